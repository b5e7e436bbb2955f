"""What each quantity is called: short in a row, brief on a tile, in full when it is spoken."""

from gateway.texts import Text

__all__ = ["QUANTITY_TEXTS"]


QUANTITY_TEXTS: dict[str, Text] = {
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
    # quantities on a tile of the first screen, as crews abbreviate them
    "brief.brake.pipe_pressure": Text("ТМ", "ТМ", "Pipe"),
    "brief.brake.cylinder_pressure": Text("ТЦ", "ТЦ", "Cyl."),
    "brief.brake.main_reservoir_pressure": Text("БР", "ГР", "Main"),
    "brief.left": Text("С", "Л", "L"),
    "brief.right": Text("О", "П", "R"),
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
