"""What is said of brakes, main reservoir and compressors."""

from gateway.alarms.rules import Words
from gateway.texts import Text

__all__ = ["WORDS"]

WORDS: dict[str, Words] = {
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
    "pipe-leak": Words(
        code="T03",
        title=Text(
            "Ауа көп шығындалады",
            "Большой расход воздуха",
            "Much air is lost",
        ),
        meaning=Text(
            "Тежеу берілмей, компрессор тоқтап тұрғанда бас резервуар тез төмендейді.",
            "Без торможения и при стоящем компрессоре давление в главном резервуаре быстро "
            "падает.",
            "With brakes off and the compressor at rest the main reservoir falls fast.",
        ),
        action=Text(
            "Магистраль мен жеңдерді тыңдап тексеріңіз: ағу мүмкін.",
            "Проверьте магистраль и рукава на слух: возможна утечка.",
            "Listen along the pipe and hoses: there may be a leak.",
        ),
    ),
    "pipe-broken": Words(
        code="T04",
        title=Text(
            "Магистраль үзілуі мүмкін",
            "Признаки обрыва магистрали",
            "Signs of a broken pipe",
        ),
        meaning=Text(
            "Бірнеше белгі қатар: магистраль не бас резервуар тез түседі, компрессор жиі "
            "қосылады, пойыз баяулайды.",
            "Сразу несколько признаков: быстро падает магистраль или главный резервуар, "
            "часто включается компрессор, поезд замедляется.",
            "Several signs at once: pipe or main reservoir falls fast, the compressor starts "
            "often, the train slows.",
        ),
        action=Text(
            "Тежеу нұсқаулығы бойынша дереу әрекет етіңіз.",
            "Немедленно действуйте по инструкции по тормозам.",
            "Act at once as the brake rules say.",
        ),
    ),
    "cylinder-fills-slowly": Words(
        code="T05",
        title=Text(
            "Цилиндр баяу толады",
            "Цилиндр медленно наполняется",
            "Cylinder fills slowly",
        ),
        meaning=Text(
            "Тежеу цилиндрінің қысымы қалыптыдан ұзақ көтеріледі.",
            "Давление в тормозном цилиндре растёт дольше обычного.",
            "Brake cylinder pressure takes longer to rise than it should.",
        ),
        action=Text(
            "Тежеудің кешігуін ескеріңіз. Депода ауа таратқышты тексеріңіз.",
            "Учитывайте запаздывание торможения. В депо проверить воздухораспределитель.",
            "Allow for a late brake. Have the distributor checked at the depot.",
        ),
    ),
    "cylinder-releases-slowly": Words(
        code="T06",
        title=Text(
            "Цилиндр баяу босайды",
            "Цилиндр медленно отпускает",
            "Cylinder releases slowly",
        ),
        meaning=Text(
            "Тежеу цилиндрінің қысымы қалыптыдан ұзақ түседі.",
            "Давление в тормозном цилиндре падает дольше обычного.",
            "Brake cylinder pressure takes longer to fall than it should.",
        ),
        action=Text(
            "Тежегіштің толық босағанына көз жеткізіңіз.",
            "Убедитесь, что тормоз полностью отпустил.",
            "Make sure that the brake has released.",
        ),
    ),
    "cylinder-residual": Words(
        code="T07",
        title=Text(
            "Цилиндрде қысым қалды",
            "Остаточное давление в ТЦ",
            "Pressure left in a cylinder",
        ),
        meaning=Text(
            "Тартым кезінде тежеу цилиндрінде қысым бар: қалыптар доңғалақты қысып тұр.",
            "При тяге в тормозном цилиндре есть давление: колодки прижаты.",
            "There is pressure in the cylinder under traction: the shoes press.",
        ),
        action=Text(
            "Тежегішті босатыңыз. Тұрақта доңғалақтың қызуын тексеріңіз.",
            "Отпустите тормоз. На стоянке проверьте нагрев колёс.",
            "Release the brake. Check the wheels for heat at the next stop.",
        ),
    ),
    "cylinders-apart": Words(
        code="T08",
        title=Text(
            "Цилиндр қысымдары әртүрлі",
            "Давление в ТЦ различается",
            "Cylinders differ",
        ),
        meaning=Text(
            "Арбалардың тежеу цилиндрлеріндегі қысым бірдей емес: реле не клапан ақаулы "
            "болуы мүмкін.",
            "Давление в цилиндрах тележек неодинаково: возможна неисправность реле или клапана.",
            "The bogies' cylinders are not at one pressure: a relay or valve may be faulty.",
        ),
        action=Text(
            "Тежеу күші кемуі мүмкін. Депода реле мен клапандарды тексеріңіз.",
            "Тормозная сила может быть меньше. В депо проверить реле и клапаны.",
            "The brake may be weaker. Have relays and valves checked at the depot.",
        ),
    ),
    "compressor-duty": Words(
        code="A01",
        title=Text(
            "Компрессор көп жұмыс істейді",
            "Компрессор работает долго",
            "Compressor runs too much",
        ),
        meaning=Text(
            "Соңғы жарты сағаттың көп бөлігінде компрессор қосулы болды.",
            "Компрессор был включён большую часть последнего получаса.",
            "It was on for most of the last half hour.",
        ),
        action=Text(
            "Ауаның ағуын және компрессорды тексеріңіз.",
            "Проверьте утечки воздуха и компрессор.",
            "Look for lost air, and check the compressor.",
        ),
    ),
    "compressor-starts": Words(
        code="A02",
        title=Text(
            "Компрессор жиі қосылады",
            "Частые пуски компрессора",
            "Compressor starts often",
        ),
        meaning=Text(
            "Компрессор он минутта тым көп рет қосылды.",
            "За десять минут компрессор включался слишком часто.",
            "It went on too often in ten minutes.",
        ),
        action=Text(
            "Ауа ағуын іздеңіз; магистральдің үзілу белгілеріне назар аударыңыз.",
            "Ищите утечку; следите за признаками обрыва магистрали.",
            "Look for lost air; watch for signs of a broken pipe.",
        ),
    ),
    "compressor-weak": Words(
        code="A03",
        title=Text(
            "Компрессор әлсіз айдайды",
            "Слабая подача компрессора",
            "Compressor gives little",
        ),
        meaning=Text(
            "Компрессор қосулы, бірақ бас резервуар тым баяу толады.",
            "Компрессор включён, но главный резервуар наполняется слишком медленно.",
            "It runs, but the main reservoir fills too slowly.",
        ),
        action=Text(
            "Сүзгі мен клапандарды тексеріңіз. Май температурасын бақылаңыз.",
            "Проверьте фильтр и клапаны. Следите за температурой масла.",
            "Check filter and valves. Watch the oil temperature.",
        ),
    ),
}
