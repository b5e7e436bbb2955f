"""What is said of axlebox itself and of its sensors."""

from gateway.alarms.rules import Words
from gateway.texts import Text

__all__ = ["WORDS"]

WORDS: dict[str, Words] = {
    "node-silent": Words(
        code="S01",
        title=Text("Торап үнсіз", "Узел молчит", "Node is silent"),
        meaning=Text(
            "Бұл тораптың датчиктерінен деректер келмейді.",
            "От датчиков этого узла нет данных.",
            "No data comes from this node's sensors.",
        ),
        action=Text(
            "Осы мәндерге сенбеңіз. Депода кабель мен қоректі тексеріңіз.",
            "Не полагайтесь на эти значения. В депо проверить кабель и питание.",
            "Do not rely on these values. Have cable and supply checked at the depot.",
        ),
    ),
    "link-silent": Words(
        code="S02",
        title=Text(
            "Байланыс желісі үнсіз",
            "Линия связи молчит",
            "Link is silent",
        ),
        meaning=Text(
            "Осы желідегі бірде-бір тораптан деректер келмейді.",
            "Ни от одного узла этой линии нет данных.",
            "No data comes from any node of this link.",
        ),
        action=Text(
            "Бұл мәндерге сенбеңіз. Депода кабель мен желі құрылғысын тексеріңіз.",
            "Не полагайтесь на эти значения. В депо проверить кабель и устройство связи.",
            "Do not rely on these values. Have cable and network checked at the depot.",
        ),
    ),
    "sensor-fault": Words(
        code="D01",
        title=Text("Датчик ақаулы", "Датчик неисправен", "Sensor fault"),
        meaning=Text(
            "Датчиктің мәні жарамсыз, машина туралы ештеңе айтпайды.",
            "Показание датчика негодно и ничего не говорит о машине.",
            "The sensor's value is not usable; it says nothing of the machine.",
        ),
        action=Text(
            "Басқа белгілер бойынша бақылаңыз. Депода датчикті тексеріңіз.",
            "Следите по другим признакам. В депо проверить датчик.",
            "Watch by other signs. Have the sensor checked at the depot.",
        ),
    ),
    "sensor-frozen": Words(
        code="D02",
        title=Text("Датчик мәні қатып қалды", "Показание датчика застыло", "Sensor is frozen"),
        meaning=Text(
            "Басқалары өзгергенде, бұл мән өзгермейді.",
            "Значение не меняется, хотя соседние меняются.",
            "The value does not change while others like it do.",
        ),
        action=Text(
            "Бұл мәнге сенбеңіз. Депода датчикті тексеріңіз.",
            "Не полагайтесь на это значение. В депо проверить датчик.",
            "Do not rely on this value. Have the sensor checked at the depot.",
        ),
    ),
    "channel-silent": Words(
        code="D03",
        title=Text(
            "Датчиктен дерек жоқ",
            "Нет данных от датчика",
            "No data from a sensor",
        ),
        meaning=Text(
            "Торап жұмыс істейді, бірақ бұл датчиктен жаңа мән келмейді.",
            "Узел работает, но от этого датчика нет новых значений.",
            "The node works, but this sensor gives no new values.",
        ),
        action=Text(
            "Басқа белгілер бойынша бақылаңыз. Депода датчикті тексеріңіз.",
            "Следите по другим признакам. В депо проверить датчик.",
            "Watch by other signs. Have the sensor checked at the depot.",
        ),
    ),
    "temperature-jump": Words(
        code="D04",
        title=Text(
            "Температура секірді",
            "Скачок температуры",
            "Temperature jumps",
        ),
        meaning=Text(
            "Мән машина қыза алатыннан тезірек өзгерді: датчик немесе сым ақаулы.",
            "Значение меняется быстрее, чем может греться машина: неисправен датчик или провод.",
            "It changes faster than a machine can warm: sensor or wire is faulty.",
        ),
        action=Text(
            "Басқа белгілер бойынша бақылаңыз. Депода датчикті тексеріңіз.",
            "Следите по другим признакам. В депо проверить датчик.",
            "Watch by other signs. Have the sensor checked at the depot.",
        ),
    ),
    "pressure-jump": Words(
        code="D05",
        title=Text(
            "Қысым секірді",
            "Скачок давления",
            "Pressure jumps",
        ),
        meaning=Text(
            "Мән ауа қысымы өзгере алатыннан тезірек өзгерді: датчик немесе сым ақаулы.",
            "Значение меняется быстрее, чем может меняться давление: неисправен датчик или "
            "провод.",
            "It changes faster than air pressure can: sensor or wire is faulty.",
        ),
        action=Text(
            "Манометрлерге қараңыз. Депода датчикті тексеріңіз.",
            "Следите по манометрам. В депо проверить датчик.",
            "Watch the gauges. Have the sensor checked at the depot.",
        ),
    ),
    "axlebox-disagrees": Words(
        code="D06",
        title=Text(
            "Букса датчигі қате көрсетеді",
            "Датчик буксы занижает",
            "Axlebox sensor reads low",
        ),
        meaning=Text(
            "Датчик барлық басқа буксалардан едәуір төмен көрсетеді.",
            "Датчик показывает намного меньше, чем на всех других буксах.",
            "It reads far below all other boxes.",
        ),
        action=Text(
            "Бұл мәнге сенбеңіз, буксаны тұрақта тексеріңіз.",
            "Не полагайтесь на это значение, осмотрите буксу на стоянке.",
            "Do not rely on this value; check the box at the next stop.",
        ),
    ),
    "sensor-not-ready": Words(
        code="D07",
        title=Text("Датчик дайын емес", "Датчик не готов", "Sensor is not ready"),
        meaning=Text(
            "Датчик әлі жарамды мән бермейді немесе оның түйіспесі дірілдейді.",
            "Датчик ещё не даёт годных значений, или его контакт дребезжит.",
            "The sensor gives no value that counts yet, or its contact chatters.",
        ),
        action=Text(
            "Басқа белгілер бойынша бақылаңыз. Депода датчикті тексеріңіз.",
            "Следите по другим признакам. В депо проверить датчик.",
            "Watch by other signs. Have the sensor checked at the depot.",
        ),
    ),
    "speed-not-ready": Words(
        code="D08",
        title=Text("Айналым датчигі үнсіз", "Датчик оборотов молчит", "No pulses from a wheel"),
        meaning=Text(
            "Пойыз жүріп келеді, бірақ бұл доңғалақтың датчигі импульс бермейді.",
            "Поезд движется, но датчик этого колеса не даёт импульсов.",
            "The train moves, but this wheel's sensor gives no pulses.",
        ),
        action=Text(
            "Доңғалақ айналып тұрғанына көз жеткізіңіз. Депода датчикті тексеріңіз.",
            "Убедитесь, что колесо вращается. В депо проверить датчик.",
            "Make sure that the wheel turns. Have the sensor checked at the depot.",
        ),
    ),
}
