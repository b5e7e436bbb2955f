"""Every text of the page, in every language, in one table.

Short forms have to fit: a word under a value has 100 px at 24 px, a row's name 115 px. What is
spoken or shown on request uses the long form.
"""

import json

from gateway.texts import Text

__all__ = ["LANGUAGES", "TEXTS", "Text", "as_module", "text"]

LANGUAGES = ("kk", "ru", "en")
"""In the order in which the page offers them; the first is the default."""


TEXTS: dict[str, Text] = {
    # the page
    "language.name": Text("Қазақша", "Русский", "English"),
    "language.short": Text("ҚАЗ", "РУС", "ENG"),
    "language.change": Text("тілді ауыстыру", "сменить язык", "change the language"),
    "clock": Text("сағат", "часы", "clock"),
    "clock.unset": Text("уақыт жоқ", "нет времени", "no time"),
    "link": Text("байланыс", "связь", "link"),
    "nodes": Text("Тораптар", "Узлы", "Nodes"),
    "values": Text("Мәндер", "Значения", "Values"),
    "store": Text("Сақтау және жіберу", "Хранение и отправка", "Storing and forwarding"),
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
    "node.outbox_messages": Text("кезекте", "в очереди", "waiting in the node"),
    "node.frames_refused": Text("бүлінген кадр", "испорчено кадров", "frames refused"),
    "node.resent_messages": Text("қайта жіберілді", "отправлено снова", "sent again"),
    "node.link_errors": Text("желі қатесі", "ошибок линии", "link errors"),
    "node.lost_samples": Text("жоғалды", "потеряно", "lost"),
    "node.thinned_samples": Text("сиретілді", "прорежено", "thinned"),
    "node.dropped_samples": Text("тасталды", "отброшено", "dropped"),
    "node.round_trip_ms": Text("жауап, мс", "ответ, мс", "round trip, ms"),
    "node.clock_error_ms": Text("сағат қатесі, мс", "ошибка часов, мс", "clock error, ms"),
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
    # quantities: in a row of motors or axles, or on a tile
    "short.motor.current": Text("Ток", "Ток", "Current"),
    "short.motor.voltage": Text("Кернеу", "Напряж.", "Voltage"),
    "short.motor.winding_temperature": Text("Орама", "Обмотка", "Winding"),
    "short.motor.frame_temperature": Text("Корпус", "Корпус", "Frame"),
    "short.motor.bearing_temperature": Text("Мойынт.", "Подш.", "Bearing"),
    "short.motor.speed": Text("Айналым", "Обороты", "Speed"),
    "short.motor.vibration_rms": Text("Діріл", "Вибрация", "Vibration"),
    "short.motor.vibration_peak": Text("Шыңы", "Пик", "Peak"),
    "short.motor.vibration_crest": Text("Крест", "Крест", "Crest"),
    "short.motor.vibration_kurtosis": Text("Эксцесс", "Эксцесс", "Kurtosis"),
    "short.motor.acceleration": Text("Үдеу", "Ускор.", "Accel."),
    "short.axle.load": Text("Жүктеме", "Нагрузка", "Load"),
    "short.axle.speed": Text("Айналым", "Обороты", "Speed"),
    "short.axle.bearing_temperature": Text("Букса", "Букса", "Axlebox"),
    "short.axle.vibration_rms": Text("Діріл", "Вибрация", "Vibration"),
    "short.axle.vibration_peak": Text("Шыңы", "Пик", "Peak"),
    "short.axle.vibration_crest": Text("Крест", "Крест", "Crest"),
    "short.axle.vibration_kurtosis": Text("Эксцесс", "Эксцесс", "Kurtosis"),
    "short.axle.acceleration": Text("Үдеу", "Ускор.", "Accel."),
    "short.brake.pipe_pressure": Text("Магистраль", "Магистраль", "Brake pipe"),
    "short.brake.cylinder_pressure": Text("Цилиндр", "Цилиндр", "Cylinder"),
    "short.brake.main_reservoir_pressure": Text("Бас рез.", "Гл. рез.", "Main res."),
    "short.brake.equalising_pressure": Text("Тең. рез.", "Ур. рез.", "Eq. res."),
    "short.air.compressor_pressure": Text("Компрессор", "Компрессор", "Compressor"),
    "short.air.panel_pressure": Text("Панель", "Панель", "Air panel"),
    "short.air.separator_pressure": Text("Сепаратор", "Сепаратор", "Separator"),
    "short.air.dryer_pressure": Text("Кептіргіш", "Осушитель", "Dryer"),
    "short.compressor.oil_temperature": Text("Комп. майы", "Масло КМ", "Comp. oil"),
    "short.compressor.motor_current": Text("Комп. тогы", "Ток КМ", "Comp. amps"),
    "short.compressor.running": Text("Комп. қос.", "КМ вкл.", "Comp. on"),
    "short.supply.voltage": Text("Қорек", "Питание", "Supply"),
    "short.ambient.temperature": Text("Сыртта", "Снаружи", "Outside"),
    "short.cabinet.temperature": Text("Шкаф", "Шкаф", "Cabinet"),
    # quantities in full
    "full.motor.current": Text("қозғалтқыш тогы", "ток двигателя", "motor current"),
    "full.motor.voltage": Text("қозғалтқыш кернеуі", "напряжение двигателя", "motor voltage"),
    "full.motor.winding_temperature": Text(
        "қозғалтқыш орамасының температурасы",
        "температура обмотки двигателя",
        "motor winding temperature",
    ),
    "full.motor.frame_temperature": Text(
        "қозғалтқыш корпусының температурасы",
        "температура корпуса двигателя",
        "motor frame temperature",
    ),
    "full.motor.bearing_temperature": Text(
        "қозғалтқыш мойынтірегінің температурасы",
        "температура подшипника двигателя",
        "motor bearing temperature",
    ),
    "full.motor.speed": Text(
        "қозғалтқыштың айналу жиілігі", "частота вращения двигателя", "motor speed"
    ),
    "full.motor.vibration_rms": Text(
        "қозғалтқыш дірілі, орташа квадраттық",
        "вибрация двигателя, среднеквадратичная",
        "motor vibration, root mean square",
    ),
    "full.motor.vibration_peak": Text(
        "қозғалтқыш дірілінің шыңы", "пик вибрации двигателя", "motor vibration peak"
    ),
    "full.motor.vibration_crest": Text(
        "қозғалтқыш дірілінің крест-факторы",
        "крест-фактор вибрации двигателя",
        "motor vibration crest factor",
    ),
    "full.motor.vibration_kurtosis": Text(
        "қозғалтқыш дірілінің эксцессі",
        "эксцесс вибрации двигателя",
        "motor vibration kurtosis",
    ),
    "full.motor.acceleration": Text(
        "қозғалтқыш үдеуі", "ускорение двигателя", "motor acceleration"
    ),
    "full.axle.load": Text("оське түсетін жүктеме", "нагрузка на ось", "axle load"),
    "full.axle.speed": Text("осьтің айналу жиілігі", "частота вращения оси", "axle speed"),
    "full.axle.bearing_temperature": Text(
        "букса температурасы", "температура буксы", "axlebox temperature"
    ),
    "full.axle.vibration_rms": Text(
        "букса дірілі, орташа квадраттық",
        "вибрация буксы, среднеквадратичная",
        "axlebox vibration, root mean square",
    ),
    "full.axle.vibration_peak": Text(
        "букса дірілінің шыңы", "пик вибрации буксы", "axlebox vibration peak"
    ),
    "full.axle.vibration_crest": Text(
        "букса дірілінің крест-факторы",
        "крест-фактор вибрации буксы",
        "axlebox vibration crest factor",
    ),
    "full.axle.vibration_kurtosis": Text(
        "букса дірілінің эксцессі", "эксцесс вибрации буксы", "axlebox vibration kurtosis"
    ),
    "full.axle.acceleration": Text("букса үдеуі", "ускорение буксы", "axlebox acceleration"),
    "full.brake.pipe_pressure": Text(
        "тежеу магистраліндегі қысым",
        "давление в тормозной магистрали",
        "brake pipe pressure",
    ),
    "full.brake.cylinder_pressure": Text(
        "тежеу цилиндріндегі қысым",
        "давление в тормозном цилиндре",
        "brake cylinder pressure",
    ),
    "full.brake.main_reservoir_pressure": Text(
        "бас резервуардағы қысым",
        "давление в главном резервуаре",
        "main reservoir pressure",
    ),
    "full.brake.equalising_pressure": Text(
        "теңестіру резервуарындағы қысым",
        "давление в уравнительном резервуаре",
        "equalising reservoir pressure",
    ),
    "full.air.compressor_pressure": Text(
        "компрессордан кейінгі қысым", "давление за компрессором", "compressor pressure"
    ),
    "full.air.panel_pressure": Text(
        "пневмопанельдегі қысым", "давление на пневмопанели", "pneumatic panel pressure"
    ),
    "full.air.separator_pressure": Text(
        "сепаратордағы қысым", "давление на сепараторе", "separator pressure"
    ),
    "full.air.dryer_pressure": Text(
        "кептіргіштегі қысым", "давление на осушителе", "air dryer pressure"
    ),
    "full.compressor.oil_temperature": Text(
        "компрессор майының температурасы",
        "температура масла компрессора",
        "compressor oil temperature",
    ),
    "full.compressor.motor_current": Text(
        "компрессор қозғалтқышының тогы",
        "ток двигателя компрессора",
        "compressor motor current",
    ),
    "full.compressor.running": Text(
        "компрессор жұмыс істейді", "компрессор работает", "compressor running"
    ),
    "full.supply.voltage": Text("қорек кернеуі", "напряжение питания", "supply voltage"),
    "full.ambient.temperature": Text(
        "сыртқы ауа температурасы", "температура наружного воздуха", "outside temperature"
    ),
    "full.cabinet.temperature": Text(
        "шкаф ішіндегі температура", "температура в шкафу", "cabinet temperature"
    ),
}


def text(key: str, language: str) -> str:
    """The text of `key`; for a quantity or unit nobody has named, the key's own last part."""
    found = TEXTS.get(key)
    if found is None:
        return key.partition(".")[2]
    return str(getattr(found, language))


def as_module() -> bytes:
    """The table as an ES module: `LANGUAGES`, and `TEXTS` from key to texts in that order."""
    rows = {key: [getattr(entry, name) for name in LANGUAGES] for key, entry in TEXTS.items()}
    lines = (
        f"export const LANGUAGES = {json.dumps(LANGUAGES)};\n"
        f"export const TEXTS = {json.dumps(rows, ensure_ascii=False, separators=(',', ':'))};\n"
    )
    return lines.encode()
