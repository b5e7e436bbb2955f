"""What is said of motors, axleboxes, wheels, axle loads and the supply."""

from gateway.alarms.rules import Words
from gateway.texts import Text

__all__ = ["WORDS"]

WORDS: dict[str, Words] = {
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
    "winding-soon": Words(
        code="M05",
        title=Text(
            "Орама жақында шекке жетеді",
            "Обмотка близка к пределу",
            "Winding soon at its limit",
        ),
        meaning=Text(
            "Осы жүктемемен орама бірнеше минутта шекке жетеді.",
            "При такой нагрузке обмотка через несколько минут достигнет предела.",
            "At this load the winding will be at its limit in some minutes.",
        ),
        action=Text(
            "Жүктемені алдын ала азайтыңыз.",
            "Снизьте нагрузку заранее.",
            "Take load off in time.",
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
    "axlebox-together": Words(
        code="B05",
        title=Text(
            "Букса қызуының белгілері",
            "Признаки нагрева буксы",
            "Axlebox: signs of heating",
        ),
        meaning=Text(
            "Екі белгі қатар шегіне жақын: қызу, ауамен не екінші жақпен айырма, қызу жылдамдығы.",
            "Сразу два признака близки к пределам: нагрев, разница с воздухом или с другой "
            "стороной, скорость роста.",
            "Two signs at once are near their limits: heat, above the air, above the other "
            "side, warming.",
        ),
        action=Text(
            "Бақылаңыз. Келесі аялдамада тексеріңіз.",
            "Наблюдайте. Осмотрите на ближайшей остановке.",
            "Watch it. Inspect it at the next stop.",
        ),
    ),
    "wheel-slip": Words(
        code="W01",
        title=Text(
            "Доңғалақ бос айналуда",
            "Буксование оси",
            "Wheel slip",
        ),
        meaning=Text(
            "Бұл ось басқаларынан жылдам айналады.",
            "Эта ось вращается быстрее других.",
            "This axle turns faster than the others.",
        ),
        action=Text(
            "Тартымды азайтыңыз, құм беріңіз.",
            "Снизьте тягу, подайте песок.",
            "Reduce traction and sand.",
        ),
    ),
    "wheel-slide": Words(
        code="W02",
        title=Text(
            "Доңғалақ сырғып барады",
            "Юз оси",
            "Wheel slide",
        ),
        meaning=Text(
            "Бұл ось басқаларынан баяу айналады немесе тоқтап қалған.",
            "Эта ось вращается медленнее других или заблокирована.",
            "This axle turns slower than the others, or is locked.",
        ),
        action=Text(
            "Тежеуді азайтып, құм беріңіз. Қайталанса, осьті тексеріңіз.",
            "Ослабьте торможение, подайте песок. При повторении осмотрите ось.",
            "Ease the brake and sand. If it comes again, inspect the axle.",
        ),
    ),
    "wheel-flat": Words(
        code="W03",
        title=Text(
            "Доңғалақ соққысы",
            "Удары колеса",
            "Wheel knocks",
        ),
        meaning=Text(
            "Ось дірілінде соққылар бар: ползун немесе мойынтірек ақауы болуы мүмкін.",
            "В вибрации оси есть удары: возможен ползун или дефект подшипника.",
            "The axle's vibration has blows in it: a wheel flat, or a bad bearing.",
        ),
        action=Text(
            "Тыңдаңыз. Тұрақта доңғалақты қарап шығыңыз.",
            "Прислушайтесь. На стоянке осмотрите колесо.",
            "Listen for it. Look at the wheel at the next stop.",
        ),
    ),
    "axle-overloaded": Words(
        code="L01",
        title=Text(
            "Осьтік жүктеме асып кетті",
            "Превышена нагрузка на ось",
            "Axle load too high",
        ),
        meaning=Text(
            "Тұрғанда немесе тартымсыз жүргенде өлшенген орташа жүктеме шектен жоғары.",
            "Средняя нагрузка, измеренная на стоянке или выбеге, выше предела.",
            "The mean load, taken standing or coasting, is above the limit.",
        ),
        action=Text(
            "Учаскеде рұқсат етілген жүктемемен салыстырып, диспетчерге хабарлаңыз.",
            "Сверьте с допустимой нагрузкой участка, сообщите диспетчеру.",
            "Compare it with what the line allows; tell the dispatcher.",
        ),
    ),
    "axle-load-apart": Words(
        code="L02",
        title=Text(
            "Осьтік жүктеме тең емес",
            "Нагрузка осей неравномерна",
            "Axle loads are uneven",
        ),
        meaning=Text(
            "Тұрғанда немесе тартымсыз жүргенде бұл осьтің жүктемесі басқаларынан бөлек.",
            "На стоянке или выбеге нагрузка этой оси отличается от других.",
            "Standing or coasting, this axle carries more or less than the others.",
        ),
        action=Text(
            "Депода рессорлық ілуді тексеріңіз.",
            "В депо проверить рессорное подвешивание.",
            "Have the suspension checked at the depot.",
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
