"""Every text of the page, in every language, in one table.

Short forms have to fit: a word under a value has 100 px at 24 px, a row's name 115 px. What is
spoken or shown on request uses the long form.
"""

import json
from collections.abc import Mapping

from gateway.texts import Text
from gateway.web.quantity_texts import QUANTITY_TEXTS

__all__ = ["LANGUAGES", "TEXTS", "Text", "as_module", "text"]

LANGUAGES = ("kk", "ru", "en")
"""In the order in which the page offers them; the first is the default."""


TEXTS: dict[str, Text] = {
    **QUANTITY_TEXTS,
    # the page
    "language.name": Text("Қазақша", "Русский", "English"),
    "language.short": Text("ҚАЗ", "РУС", "ENG"),
    "language.change": Text("тілді ауыстыру", "сменить язык", "change the language"),
    "light.day": Text("Күн", "День", "Day"),
    "light.night": Text("Түн", "Ночь", "Night"),
    "light.red": Text("Қызыл", "Красный", "Red"),
    "light.change": Text("жарықты ауыстыру", "сменить подсветку", "change the light"),
    "sound.silence": Text("Өшіру", "Тихо", "Silence"),
    "sound.quiet": Text("Тыныш", "Тихо", "Quiet"),
    "sound.blocked": Text("Дыбыс?", "Звук?", "Sound?"),
    "key.details": Text("Толық", "Детали", "Details"),
    "key.back": Text("Артқа", "Назад", "Back"),
    "key.previous": Text("алдыңғы", "предыдущий", "previous"),
    "key.next": Text("келесі", "следующий", "next"),
    "clock": Text("сағат", "часы", "clock"),
    "clock.unset": Text("уақыт жоқ", "нет времени", "no time"),
    "link": Text("байланыс", "связь", "link"),
    "nodes": Text("Тораптар", "Узлы", "Nodes"),
    "values": Text("Мәндер", "Значения", "Values"),
    "store": Text("Сақтау және жіберу", "Хранение и отправка", "Storing and forwarding"),
    "key.acknowledge": Text("Қабыл", "Принять", "Accept"),
    "key.shelve": Text("Кейін", "Позже", "Shelve"),
    "key.unshelve": Text("Қайтару", "Вернуть", "Unshelve"),
    "shelve.ask": Text("Қанша уақытқа?", "На сколько отложить?", "Out of sight for how long?"),
    "shelved.left": Text("қалды {n}", "ещё {n}", "{n} left"),
    "pin.ask": Text("Бригада PIN-коды", "PIN-код бригады", "The crew's PIN"),
    "pin.wrong": Text("PIN қате. Қайталаңыз", "PIN неверен. Ещё раз", "Wrong PIN. Again"),
    "pin.delete": Text("өшіру", "стереть", "delete"),
    "pin.done": Text("дайын", "готово", "done"),
    "refused.pin": Text("PIN-код керек.", "Нужен PIN-код.", "A PIN is needed."),
    "refused.here": Text(
        "Бұл жерден дабылды қабылдауға болмайды: PIN-код орнатылмаған.",
        "Отсюда нельзя: PIN-код не задан.",
        "Not from here: no PIN is set.",
    ),
    "refused.over": Text(
        "Орындалмады: дабыл өзгерді немесе жазу мүмкін емес.",
        "Не выполнено: сигнал изменился или запись невозможна.",
        "Not done: the alarm has changed, or nothing can be stored.",
    ),
    "refused.often": Text(
        "Тым жиі. Күтіп, қайталаңыз.", "Слишком часто. Подождите.", "Too often. Wait, then again."
    ),
    "refused.link": Text("Байланыс жоқ.", "Нет связи.", "No link."),
    "detail.axle": Text("{n}-ось және қозғалтқыш", "Ось и двигатель {n}", "Axle and motor {n}"),
    "detail.air": Text("Тежегіш және ауа", "Тормоза и воздух", "Brakes and air"),
    "detail.rest": Text("Басқа мәндер", "Прочее", "Other values"),
    "trend.none": Text("деректер жоқ", "нет данных", "no data"),
    "trend.span": Text("кезең: {n}", "период: {n}", "span: {n}"),
    "service": Text("Тораптар мен байланыс", "Узлы и связь", "Nodes and links"),
    "service.gateway": Text("Шлюз", "Шлюз", "Gateway"),
    "service.fault": Text("ақау", "сбой", "fault"),
    "service.room": Text("орын бар", "места на", "room for"),
    "service.backlog": Text("жіберілмеген", "не отправлено", "not sent"),
    "service.rate": Text("өлшем/с", "отсчётов/с", "samples/s"),
    "service.set": Text("орнатылған", "установлены", "set"),
    "alarms": Text("Дабылдар", "Сигналы", "Alarms"),
    "alarms.none": Text("Дабыл жоқ", "Сигналов нет", "No alarms"),
    "alarms.shelved": Text("кейінге қалдырылған: {n}", "отложено: {n}", "shelved: {n}"),
    "alarm.unacknowledged": Text("қабылданбаған", "не принят", "not acknowledged"),
    "alarm.acknowledged": Text("қабылданды", "принят", "acknowledged"),
    "alarm.returned": Text("өтті, қабылданбаған", "прошёл, не принят", "over, not acknowledged"),
    "alarm.shelved": Text("кейінге қалды", "отложен", "shelved"),
    "priority.high": Text("қауіпті", "опасно", "danger"),
    "priority.medium": Text("назар аударыңыз", "внимание", "warning"),
    "priority.low": Text("ескерту", "сведение", "notice"),
    "speed.full": Text("жылдамдық", "скорость", "speed"),
    "speed.estimated": Text(
        "жылдамдық, дөңгелек өлшемі тексерілмеген",
        "скорость, размер колеса не проверен",
        "speed, wheel size not verified",
    ),
    "speed.air": Text("Жылдамдық және қысым", "Скорость и давление", "Speed and pressures"),
    "advises": Text(
        "Тек кеңес береді: қауіпсіздік жүйесі де, тіркеуші де емес.",
        "Только советует: не система безопасности и не регистратор.",
        "It only advises: no safety system and no event recorder.",
    ),
    # the banner that covers the page
    "banner.connecting": Text("Қосылуда", "Подключение", "Connecting"),
    "banner.connecting.why": Text(
        "Алғашқы деректер күтілуде.",
        "Ожидание первых данных.",
        "Waiting for the first data.",
    ),
    "banner.lost": Text("БАЙЛАНЫС ҮЗІЛДІ", "СВЯЗЬ ПОТЕРЯНА", "LINK LOST"),
    "banner.lost.why": Text(
        "Деректер келмейді. Мәндер жасырылды.",
        "Данные не поступают. Значения скрыты.",
        "No data arrives. The values are hidden.",
    ),
    "banner.full": Text("БАЙЛАНЫС ЖОҚ", "НЕТ СВЯЗИ", "NO LINK"),
    "banner.full.why": Text(
        "Тым көп бет ашылған. Басқасын жабыңыз.",
        "Открыто слишком много страниц. Закройте лишние.",
        "Too many pages are open. Close another one.",
    ),
    # without JavaScript
    "plain.notice": Text(
        "JavaScript өшірулі. Бұл кесте {time} UTC күйін көрсетеді және өзі жаңармайды.",
        "JavaScript выключен. Таблица показывает состояние на {time} UTC и не обновляется сама.",
        "JavaScript is off. This table shows the state at {time} UTC and does not follow it.",
    ),
    "plain.place": Text("Орны", "Место", "Place"),
    "plain.quantity": Text("Шама", "Величина", "Quantity"),
    "plain.value": Text("Мәні", "Значение", "Value"),
    "plain.quality": Text("Сапасы", "Качество", "Quality"),
    "plain.age": Text("Жасы", "Возраст", "Age"),
    # nodes
    "node.live": Text("бар", "связь", "live"),
    "node.stale": Text("үнсіз", "молчит", "stale"),
    "node.waiting": Text("күту", "ждём", "waiting"),
    "node.link": Text("желі", "линия", "link"),
    "node.board": Text("плата", "плата", "board"),
    "node.firmware": Text("бағдарлама", "прошивка", "firmware"),
    "node.boot": Text("іске қосылуы", "запуск", "boot"),
    "node.reset_cause": Text("қайта қосылу себебі", "причина сброса", "reset cause"),
    "node.clock_drift_ppm": Text("сағат ауытқуы, ppm", "уход часов, ppm", "clock drift, ppm"),
    "node.outbox_messages": Text("кезекте", "в очереди", "waiting in the node"),
    "node.frames_refused": Text("бүлінген кадр", "испорчено кадров", "frames refused"),
    "node.resent_messages": Text("қайта жіберілді", "отправлено снова", "sent again"),
    "node.link_errors": Text("желі қатесі", "ошибок линии", "link errors"),
    "node.lost_samples": Text("жоғалды", "потеряно", "lost"),
    "node.thinned_samples": Text("сиретілді", "прорежено", "thinned"),
    "node.dropped_samples": Text("тасталды", "отброшено", "dropped"),
    "node.round_trip_ms": Text("жауап, мс", "ответ, мс", "round trip, ms"),
    "node.clock_error_ms": Text("сағат қатесі, мс", "ошибка часов, мс", "clock error, ms"),
    # new firmware for a node
    "update": Text("жаңарту", "обновление", "update"),
    "update.short": Text("жаңарту", "прошивка", "update"),
    "update.queued": Text("кезекте", "в очереди", "queued"),
    "update.asking": Text("тексерілуде", "проверка", "is asked what it has"),
    "update.sending": Text("жіберілуде {n} %", "передано {n} %", "sent {n} %"),
    "update.switching": Text("қайта қосылады", "перезапуск", "starts again"),
    "update.trying": Text("сынақта", "на пробе", "on trial"),
    "update.done": Text("орнатылды", "установлено", "done"),
    "update.refused": Text("орнатылмады", "не установлено", "not updated"),
    "update.undone": Text("бұрынғысына қайтты", "вернулось прежнее", "went back"),
    "update.unanswered": Text("белгісіз", "неизвестно", "nobody can tell"),
    "update.stopped": Text("тоқтатылды", "остановлено", "stopped"),
    "update.left_out": Text("жаңартылмады", "не обновлялся", "left as it is"),
    "percent": Text("{n} %", "{n} %", "{n} %"),
    "why.runs_it": Text("бұрыннан бар", "уже стоит", "runs it already"),
    "why.moves": Text(
        "локомотивтің тоқтауын күтуде", "ждёт стоянки", "waits for the locomotive to stand"
    ),
    "why.speed_unknown": Text("жылдамдық белгісіз", "скорость неизвестна", "no speed is known"),
    "why.busy": Text("торап бос емес", "узел занят", "the node is busy"),
    "why.memory": Text("жад жетпейді", "не хватает памяти", "too little memory"),
    "why.by_cable": Text(
        "тек кабель арқылы", "возможно только по кабелю", "only possible by cable"
    ),
    "why.not_newer": Text(
        "тораптағысы одан ескі емес", "в узле не старее", "the node's is no older"
    ),
    "why.too_old": Text(
        "алдымен аралық нұсқа керек",
        "сначала нужна промежуточная версия",
        "a version between is needed first",
    ),
    "why.other_board": Text("басқа плата", "другая плата", "another board"),
    "why.room": Text("флеш-жадта орын жоқ", "мало места во флеш-памяти", "no room in flash"),
    "why.flash": Text("флеш-жад ақауы", "сбой флеш-памяти", "flash fails or is full"),
    "why.worn": Text("флеш-жад тозған болуы мүмкін", "флеш-память изношена?", "flash worn out?"),
    "why.crashed": Text("бағдарлама құлады", "прошивка упала", "it crashed"),
    "why.reset": Text("сынақта қайта қосылды", "сброс во время пробы", "a reset while on trial"),
    "why.silent": Text("шлюзге жете алмады", "не достигла шлюза", "did not reach the gateway"),
    "why.misfit": Text(
        "торап баптауы сәйкес емес",
        "не подходит конфигурация узла",
        "the node's configuration does not fit",
    ),
    "why.no_answer": Text("торап жауап бермейді", "узел не отвечает", "no answer"),
    "why.other_version": Text(
        "торапта басқа нұсқа", "в узле другая версия", "the node runs another version"
    ),
    "why.before": Text(
        "алдыңғы торапта сәтсіз", "неудача с узлом до него", "a node before it failed"
    ),
    "why.stopped": Text("адам тоқтатты", "остановил человек", "by a person"),
    "why.too_late": Text(
        "тоқтатуға кеш: өзі шешеді",
        "останавливать поздно: решит сам",
        "too late to stop: it decides itself",
    ),
    # how far a value can be trusted
    "quality.ok": Text("дұрыс", "норма", "ok"),
    "quality.stale": Text("ескірді", "устар.", "stale"),
    "quality.waiting": Text("күту", "ждём", "waiting"),
    "quality.open": Text("үзілу", "обрыв", "open"),
    "quality.short": Text("ҚТ", "КЗ", "short"),
    "quality.saturated": Text("шегінде", "предел", "at limit"),
    "quality.stuck": Text("қатқан", "застыл", "stuck"),
    "quality.no_answer": Text("үнсіз", "молчит", "no reply"),
    "quality.out_of_range": Text("қате", "вне шк.", "off scale"),
    "quality.not_ready": Text("қосылу", "запуск", "starting"),
    "quality.none": Text("жоқ", "нет", "none"),
    "tiny.stale": Text("ескі", "стар.", "stale"),
    "tiny.waiting": Text("күту", "ждём", "wait"),
    "tiny.open": Text("үзік", "обр.", "open"),
    "tiny.short": Text("ҚТ", "КЗ", "short"),
    "tiny.saturated": Text("шек", "пред.", "limit"),
    "tiny.stuck": Text("қату", "заст.", "stuck"),
    "tiny.no_answer": Text("жоқ", "нет", "none"),
    "tiny.out_of_range": Text("қате", "шк.", "range"),
    "tiny.not_ready": Text("іске", "пуск", "start"),
    "tiny.none": Text("жоқ", "нет", "none"),
    "long.ok": Text("мән сенімді", "значение достоверно", "the value is good"),
    "long.stale": Text("мән ескірді", "значение устарело", "the value is too old"),
    "long.waiting": Text("мән әлі келген жоқ", "значения ещё не было", "no value came yet"),
    "long.open": Text("датчик тізбегі үзілген", "обрыв цепи датчика", "sensor circuit open"),
    "long.short": Text(
        "датчик тізбегінде қысқа тұйықталу",
        "короткое замыкание в цепи датчика",
        "sensor circuit shorted",
    ),
    "long.saturated": Text(
        "датчик өлшеу шегінде тұр", "датчик на пределе измерения", "sensor at its limit"
    ),
    "long.stuck": Text(
        "датчик көрсеткіші өзгермейді", "показание датчика застыло", "sensor reading stuck"
    ),
    "long.no_answer": Text(
        "датчик жауап бермейді", "датчик не отвечает", "sensor does not answer"
    ),
    "long.out_of_range": Text(
        "мән мүмкін шектен тыс", "значение вне допустимого", "value outside what is possible"
    ),
    "long.not_ready": Text("датчик әлі дайын емес", "датчик ещё не готов", "sensor not ready yet"),
    "long.none": Text("датчик орнатылмаған", "датчик не установлен", "no sensor fitted"),
    # storing and forwarding
    "disk": Text("Диск", "Диск", "Disk"),
    "disk.fault": Text("ақау", "сбой", "fault"),
    "forward": Text("Сервер", "Сервер", "Server"),
    "forward.off": Text("өшірулі", "выключен", "off"),
    "forward.idle": Text("жіберілді", "отправлено", "up to date"),
    "forward.sending": Text("жіберуде", "отправка", "sending"),
    "forward.waiting": Text("күту", "ждёт", "waiting"),
    "forward.oldest": Text(
        "ең ескі жіберілмегені", "самое старое из неотправленного", "the oldest not sent"
    ),
    "forward.sent_up_to": Text("жіберілгені", "отправлено по", "sent up to"),
    "forward.rates": Text("келеді / жіберіледі", "приход / отправка", "in / forwarded"),
    "since": Text("басы {n}", "с {n}", "since {n}"),
    "losses": Text("Шығын", "Потери", "Lost"),
    "refused": Text("Бас тарту", "Отказ", "Refused"),
    # time spans
    "age.now": Text("<1 с", "<1 с", "<1 s"),
    "age.s": Text("{n} с", "{n} с", "{n} s"),
    "age.min": Text("{n} мин", "{n} мин", "{n} min"),
    "age.h": Text("{n} сағ", "{n} ч", "{n} h"),
    "age.d": Text("{n} күн", "{n} сут", "{n} d"),
    # units
    "unit.1": Text("", "", ""),
    "unit.A": Text("А", "А", "A"),
    "unit.V": Text("В", "В", "V"),
    "unit.°C": Text("°C", "°C", "°C"),
    "unit.t": Text("т", "т", "t"),
    "unit.kPa": Text("кПа", "кПа", "kPa"),
    "unit.1/min": Text("айн/мин", "об/мин", "rpm"),
    "unit.km/h": Text("км/сағ", "км/ч", "km/h"),
    "unit.K": Text("К", "К", "K"),
    "unit.K/min": Text("К/мин", "К/мин", "K/min"),
    "unit.K/s": Text("К/с", "К/с", "K/s"),
    "unit.kPa/s": Text("кПа/с", "кПа/с", "kPa/s"),
    "unit.L/min": Text("л/мин", "л/мин", "L/min"),
    "unit.1/min/min": Text("айн/мин²", "об/мин²", "rpm/min"),
    "unit.min": Text("мин", "мин", "min"),
    "unit.kPa/min": Text("кПа/мин", "кПа/мин", "kPa/min"),
    "unit.%": Text("%", "%", "%"),
    "unit.s": Text("с", "с", "s"),
    "unit.m/s²": Text("м/с²", "м/с²", "m/s²"),
    "unit.MB": Text("МБ", "МБ", "MB"),
    "unit.kB/s": Text("кБ/с", "кБ/с", "kB/s"),
    "unit.GB": Text("ГБ", "ГБ", "GB"),
    # places
    "place.motor": Text("{n}-қозғалтқыш", "двигатель {n}", "motor {n}"),
    "place.axle": Text("{n}-ось", "ось {n}", "axle {n}"),
    "place.bogie": Text("{n}-арбаша", "тележка {n}", "bogie {n}"),
    "place.section": Text("{n}-секция", "секция {n}", "section {n}"),
    "place.locomotive": Text("локомотив", "локомотив", "locomotive"),
    "place.left": Text("сол", "лев.", "left"),
    "place.right": Text("оң", "прав.", "right"),
}


def text(key: str, language: str) -> str:
    """The text of `key`; for a quantity or unit nobody has named, the key's own last part."""
    found = TEXTS.get(key)
    if found is None:
        return key.partition(".")[2]
    return str(getattr(found, language))


def as_module(texts: Mapping[str, Text] = TEXTS) -> bytes:
    """A table as an ES module: `LANGUAGES`, and `TEXTS` from key to texts in that order."""
    rows = {key: [getattr(entry, name) for name in LANGUAGES] for key, entry in texts.items()}
    lines = (
        f"export const LANGUAGES = {json.dumps(LANGUAGES)};\n"
        f"export const TEXTS = {json.dumps(rows, ensure_ascii=False, separators=(',', ':'))};\n"
    )
    return lines.encode()
