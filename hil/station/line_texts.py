"""Every text of the line in every language: what the terminal and the page show."""

from collections.abc import Mapping

from gateway.texts import Text
from gateway.web.texts import LANGUAGES
from hil.station.line_errors import ERRORS

__all__ = ["LANGUAGES", "TEXTS", "text"]

TEXTS: Mapping[str, Text] = {
    **{f"error.{code}": told for code, told in ERRORS.items()},
    "title": Text("Тақталар желісі", "Линия плат", "The line of boards"),
    "language.name": Text("Қазақша", "Русский", "English"),
    "language.change": Text("тілді ауыстыру", "сменить язык", "change the language"),
    "slot": Text("{n}-ұя", "гнездо {n}", "slot {n}"),
    "chip": Text("чип", "чип", "chip"),
    "empty": Text("Тақтаны қосыңыз", "Подключите плату", "Plug in a board"),
    # what a card says
    "phase.asks": Text("Орнын сканерлеңіз", "Отсканируйте место", "Scan its place"),
    "phase.queued": Text("Кезекте тұр", "В очереди", "Waits its turn"),
    "phase.works": Text("Күтіңіз", "Подождите", "Wait"),
    "phase.pass": Text("ЖАРАМДЫ", "ГОДНА", "PASS"),
    "phase.fail": Text("ҚАТЕ", "ОШИБКА", "FAIL"),
    "next": Text(
        "келесі скан осы тақтаға", "следующий скан этой плате", "the next scan is for this one"
    ),
    "pass.do": Text(
        "Тақтаны шығарып, жапсырмасын жапсырыңыз",
        "Выньте плату и наклейте её этикетку",
        "Take it out and stick its label on",
    ),
    "absent": Text(
        "Тақта шығып кетті: қайта қосыңыз",
        "Плата отключилась: подключите её снова",
        "The board is out: plug it in again",
    ),
    "step.look": Text("Қандай тақта екенін қарау", "Что это за плата", "Looking what it is"),
    "step.micropython": Text("MicroPython жазу", "Запись MicroPython", "Writing MicroPython"),
    "step.flash": Text("Бағдарламаны жазу", "Запись программы", "Writing the firmware"),
    "step.check": Text("Жазылғанын тексеру", "Проверка записанного", "Reading it back"),
    "step.identity": Text("Орны мен кілтін беру", "Место и ключ", "Giving it place and key"),
    "step.test": Text("Сынау", "Испытание", "Testing it"),
    # what came of a scan
    "scan.ask": Text(
        "Сканерлеңіз, не теріп, Enter басыңыз",
        "Сканируйте или наберите и нажмите Enter",
        "Scan, or type and press Enter",
    ),
    "scan.given": Text("Орын берілді", "Место принято", "It has its place"),
    "scan.slot_named": Text(
        "Енді осы ұяның орнын сканерлеңіз",
        "Теперь отсканируйте место для этого гнезда",
        "Now scan the place for this slot",
    ),
    "scan.none_named": Text(
        "Келесі орын ең көп күткен тақтаға",
        "Следующее место — плате, которая ждёт дольше всех",
        "The next place is for the board that waits longest",
    ),
    "scan.unknown": Text(
        "Бұл орын да, ұя да емес: қайта сканерлеңіз",
        "Это не место и не гнездо: отсканируйте ещё раз",
        "That is no place and no slot: scan again",
    ),
    "scan.no_place": Text("Ондай орын жоқ", "Такого места нет", "There is no such place"),
    "scan.place_taken": Text(
        "Бұл орынды басқа тақта алып тұр",
        "Это место уже занято другой платой",
        "Another board here has that place",
    ),
    "scan.nobody_asks": Text(
        "Орын күткен тақта жоқ: алдымен тақтаны қосыңыз",
        "Ни одна плата не ждёт места: сначала подключите плату",
        "No board waits for a place: plug one in first",
    ),
    "scan.no_slot": Text(
        "Ондай ұяда тақта жоқ", "В таком гнезде платы нет", "There is no board in such a slot"
    ),
    "scan.slot_busy": Text(
        "Бұл ұядағы тақта орын сұрап тұрған жоқ",
        "Плата в этом гнезде не ждёт места",
        "The board in this slot does not ask for a place",
    ),
    "scan.not_sent": Text(
        "Станция жауап бермеді: қайта сканерлеңіз",
        "Станция не ответила: отсканируйте ещё раз",
        "The station did not answer: scan again",
    ),
    # the day
    "today": Text("Бүгін", "Сегодня", "Today"),
    "today.none": Text("Әзірге тақта жоқ", "Пока ни одной платы", "No board yet"),
    "lost": Text("Станциямен байланыс жоқ", "Нет связи со станцией", "No link to the station"),
    "lost.why": Text(
        "Мұндағы ештеңеге сенбеңіз. Станция бағдарламасын іске қосыңыз.",
        "Не верьте тому, что здесь видно. Запустите программу станции.",
        "Believe nothing that is shown here. Start the station's program.",
    ),
    # the terminal
    "keys": Text(
        "kk, ru, en: тіл; нөмір: ұя; Ctrl-C: аяқтау",
        "kk, ru, en: язык; номер: гнездо; Ctrl-C: конец",
        "kk, ru, en: language; a number: slot; Ctrl-C: end",
    ),
    "ending": Text(
        "Басталған тақталар аяқталады",
        "Начатые платы будут закончены",
        "Boards that were begun are brought to their end",
    ),
}


def text(key: str, language: str, n: object = "") -> str:
    """The text of `key`, with `n` in its place."""
    return str(getattr(TEXTS[key], language)).replace("{n}", str(n))
