"""What a crew is told of each alarm: one entry a shipped rule, in every language.

A title has about 28 characters on the panel; a code is what is said on the radio.
"""

from gateway.alarms.rules import Words
from gateway.texts import Text

__all__ = ["ALARM_WORDS", "TITLE_CHARACTERS"]

TITLE_CHARACTERS = 28

ALARM_WORDS: dict[str, Words] = {
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
    "winding-hot": Words(
        code="M01",
        title=Text("Орама тым ыстық", "Обмотка перегрета", "Winding too hot"),
        meaning=Text(
            "Орама температурасы оқшаулама класының шегінен жоғары.",
            "Температура обмотки выше предела класса изоляции.",
            "The winding is above the limit of its insulation class.",
        ),
        action=Text(
            "Тартымды азайтыңыз. Желдетуді тексеріңіз.",
            "Снизьте тягу. Проверьте вентиляцию.",
            "Reduce traction. Check the motor's blower.",
        ),
    ),
    "winding-warm": Words(
        code="M02",
        title=Text("Орама қызып барады", "Обмотка греется", "Winding is getting hot"),
        meaning=Text(
            "Орама температурасы шекке жақындады.",
            "Температура обмотки близка к пределу.",
            "The winding is close to its limit.",
        ),
        action=Text(
            "Мүмкін болса, тартымды азайтыңыз.",
            "По возможности снизьте тягу.",
            "Reduce traction where you can.",
        ),
    ),
    "winding-apart": Words(
        code="M03",
        title=Text(
            "Орама басқалардан ыстық", "Обмотка горячее других", "Winding hotter than others"
        ),
        meaning=Text(
            "Бұл қозғалтқыш басқаларынан едәуір ыстық.",
            "Этот двигатель заметно горячее остальных.",
            "This motor is much hotter than the others.",
        ),
        action=Text(
            "Бақылаңыз. Тұрақта желдетуді тексеріңіз.",
            "Наблюдайте. На стоянке проверьте вентиляцию.",
            "Watch it. Check its cooling at the next stop.",
        ),
    ),
    "current-apart": Words(
        code="M04",
        title=Text(
            "Ток басқалардан өзгеше", "Ток отличается от других", "Current unlike the others"
        ),
        meaning=Text(
            "Бұл қозғалтқыштың тогы басқаларынан едәуір бөлек.",
            "Ток этого двигателя сильно отличается от остальных.",
            "This motor's current is far from the others'.",
        ),
        action=Text(
            "Тартымды азайтыңыз. Қайталанса, қозғалтқышты ажыратыңыз.",
            "Снизьте тягу. Если повторится, отключите двигатель.",
            "Reduce traction. If it stays, cut the motor out.",
        ),
    ),
    "axlebox-hot": Words(
        code="B01",
        title=Text("Букса қызып кетті", "Букса перегрета", "Hot axlebox"),
        meaning=Text(
            "Букса температурасы рұқсат етілген шектен жоғары.",
            "Температура буксы выше допустимой.",
            "The axlebox is above the allowed temperature.",
        ),
        action=Text(
            "Жылдамдықты азайтыңыз, нұсқаулық бойынша тоқтап тексеріңіз.",
            "Снизьте скорость, остановитесь и осмотрите по инструкции.",
            "Slow down; stop and inspect as your rules say.",
        ),
    ),
    "axlebox-above-ambient": Words(
        code="B02",
        title=Text(
            "Букса ауадан тым ыстық", "Букса намного теплее воздуха", "Axlebox far above ambient"
        ),
        meaning=Text(
            "Букса сыртқы ауадан тым қатты қызған.",
            "Букса слишком нагрета относительно воздуха.",
            "The axlebox is far hotter than the air.",
        ),
        action=Text(
            "Жылдамдықты азайтыңыз, нұсқаулық бойынша тоқтап тексеріңіз.",
            "Снизьте скорость, остановитесь и осмотрите по инструкции.",
            "Slow down; stop and inspect as your rules say.",
        ),
    ),
    "axlebox-sides": Words(
        code="B03",
        title=Text(
            "Бір жақ букса ыстық", "Букса горячая с одного бока", "Axlebox hot on one side"
        ),
        meaning=Text(
            "Осьтің бір жақ буксасы екіншісінен тым ыстық.",
            "Букса намного горячее, чем на другой стороне оси.",
            "The box is far hotter than the one across its axle.",
        ),
        action=Text(
            "Жылдамдықты азайтыңыз, нұсқаулық бойынша тоқтап тексеріңіз.",
            "Снизьте скорость, остановитесь и осмотрите по инструкции.",
            "Slow down; stop and inspect as your rules say.",
        ),
    ),
    "axlebox-rising": Words(
        code="B04",
        title=Text("Букса тез қызуда", "Букса быстро греется", "Axlebox warming fast"),
        meaning=Text(
            "Букса температурасы тым тез көтерілуде.",
            "Температура буксы растёт слишком быстро.",
            "The axlebox warms faster than a sound one does.",
        ),
        action=Text(
            "Бақылаңыз. Келесі аялдамада тексеріңіз.",
            "Наблюдайте. Осмотрите на ближайшей остановке.",
            "Watch it. Inspect it at the next stop.",
        ),
    ),
    "pipe-falling": Words(
        code="T01",
        title=Text(
            "Магистраль қысымы түсуде", "Падает давление магистрали", "Brake pipe is falling"
        ),
        meaning=Text(
            "Магистраль қысымы теңестіру резервуарынан төмен және түсіп барады.",
            "Давление в магистрали ниже, чем в уравнительном резервуаре, и падает.",
            "The pipe is below the equalising reservoir and goes on falling.",
        ),
        action=Text(
            "Тежеу нұсқаулығы бойынша әрекет етіңіз: ағу немесе үзілу мүмкін.",
            "Действуйте по инструкции по тормозам: возможна утечка или обрыв.",
            "Act as the brake rules say: it may leak or be broken.",
        ),
    ),
    "main-reservoir-low": Words(
        code="T02",
        title=Text("Бас резервуар қысымы төмен", "Низкое давление ГР", "Main reservoir low"),
        meaning=Text(
            "Бас резервуардағы қысым тым төмен.",
            "Давление в главном резервуаре слишком низкое.",
            "Main reservoir pressure is too low.",
        ),
        action=Text(
            "Компрессорды тексеріңіз. Тежеуді нұсқаулық бойынша сынаңыз.",
            "Проверьте компрессор. Опробуйте тормоза по инструкции.",
            "Check the compressor. Test the brakes as the rules say.",
        ),
    ),
    "supply-low": Words(
        code="E01",
        title=Text("Қорек кернеуі төмен", "Низкое напряжение питания", "Supply voltage low"),
        meaning=Text(
            "Басқару тізбегінің кернеуі төмен.",
            "Напряжение цепей управления низкое.",
            "The control supply is low.",
        ),
        action=Text(
            "Аккумулятор зарядын тексеріңіз.",
            "Проверьте заряд батареи.",
            "Check the battery charger.",
        ),
    ),
    "supply-high": Words(
        code="E02",
        title=Text("Қорек кернеуі жоғары", "Высокое напряжение питания", "Supply voltage high"),
        meaning=Text(
            "Басқару тізбегінің кернеуі жоғары.",
            "Напряжение цепей управления высокое.",
            "The control supply is high.",
        ),
        action=Text(
            "Заряд реттегішін тексеріңіз.",
            "Проверьте регулятор зарядки.",
            "Check the charging regulator.",
        ),
    ),
}
"""By the rule's id."""
