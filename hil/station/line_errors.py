"""The one thing to do for each kind of StationError, by its `code`, in every language."""

from gateway.texts import Text

__all__ = ["ERRORS", "OTHER"]

OTHER = "other"
"""What has no code of its own."""

ERRORS: dict[str, Text] = {
    "contact": Text(
        "Кабелін тексеріп, тақтаны қайта қосыңыз да, орнын қайта сканерлеңіз",
        "Проверьте кабель, подключите плату снова и снова отсканируйте место",
        "Check the cable, plug the board in again, and scan its place again",
    ),
    "wrong_board": Text(
        "Бұл орынға басқа түрлі тақта керек: дұрысын қосыңыз",
        "Для этого места нужна плата другого вида: подключите правильную",
        "This place needs another kind of board: plug in the right one",
    ),
    "worn": Text(
        "Тағы бір рет көріңіз; көмектеспесе, тақтаны жарамсыз деп бөлек қойыңыз",
        "Попробуйте ещё раз; если не поможет, отложите плату как негодную",
        "Try once more; if that does not help, set the board aside",
    ),
    "no_room": Text(
        "Тақтаны бөлек қойыңыз: жады толы не тым кіші",
        "Отложите плату: её память полна или мала",
        "Set the board aside: its memory is full, or too small",
    ),
    "old_micropython": Text(
        "Тақтаны бөлек қойыңыз: MicroPython тым ескі, оны шебер жаңартады",
        "Отложите плату: её MicroPython слишком стар, его обновит мастер",
        "Set the board aside: its MicroPython is too old, and the foreman renews it",
    ),
    "is_node": Text(
        "Тақтаны бөлек қойып, оны кім жасағанын сұраңыз: ол бұл станцияныкі емес",
        "Отложите плату и спросите, чья она: её делала не эта станция",
        "Set the board aside and ask whose it is: this station did not make it",
    ),
    "place_taken": Text(
        "Орынды тексеріңіз: онда басқа тақта бар. Тақтаны бөлек қойыңыз",
        "Проверьте место: там уже другая плата. Эту отложите",
        "Check the place: another board has it. Set this one aside",
    ),
    "elsewhere": Text(
        "Бұл тақтаның орны басқа: жапсырмасындағы орынды сканерлеңіз",
        "У этой платы другое место: отсканируйте то, что на её этикетке",
        "This board has another place: scan the one on its label",
    ),
    "firmware": Text(
        "Тақтаны қайта қосып, орнын қайта сканерлеңіз",
        "Подключите плату снова и снова отсканируйте место",
        "Plug the board in again and scan its place again",
    ),
    "unproved": Text(
        "Тақта өзін дәлелдемеді. Тағы бір рет; көмектеспесе, бөлек қойыңыз",
        "Плата не подтвердила себя. Ещё раз; если не поможет, отложите её",
        "The board did not prove itself. Once more; if that does not help, set it aside",
    ),
    "measure": Text(
        "Сынақтан өтпеді: тақтаны бөлек қойыңыз",
        "Испытание не пройдено: отложите плату",
        "It failed its test: set the board aside",
    ),
    "swapped": Text(
        "Тақтаны шығарыңыз, біреуін қосып, орнын қайта сканерлеңіз",
        "Выньте плату, подключите одну и снова отсканируйте место",
        "Take it out, plug in one board, and scan its place again",
    ),
    "station": Text(
        "Шеберді шақырыңыз: станцияның өзін түзету керек",
        "Позовите мастера: исправить надо саму станцию",
        "Call the foreman: it is the station that needs mending",
    ),
    "boot_loader": Text(
        "BOOTSEL түймесін басып тұрып қайта қосыңыз да, орнын сканерлеңіз",
        "Подключите плату снова, держа кнопку BOOTSEL, и отсканируйте место",
        "Plug it in again with its BOOTSEL button held, and scan its place",
    ),
    "boot_button": Text(
        "BOOT басулы тұрып, EN-ді басып жіберіңіз де, орнын сканерлеңіз",
        "Держа BOOT, нажмите EN один раз, отпустите и отсканируйте место",
        "Hold its BOOT button, press EN once, let go, and scan its place",
    ),
    # the folder of images: each is the foreman's to mend
    "images_folder": Text(
        "Шеберді шақырыңыз: кескіндер тізімі (images.toml) жоқ не оқылмайды",
        "Позовите мастера: списка образов (images.toml) нет или не прочесть",
        "Call the foreman: there is no list of images (images.toml) to be read",
    ),
    "images_list": Text(
        "Шеберді шақырыңыз: кескіндер тізімін (images.toml) түзету керек",
        "Позовите мастера: надо исправить список образов (images.toml)",
        "Call the foreman: the list of images (images.toml) must be corrected",
    ),
    "no_image": Text(
        "Шеберді шақырыңыз: қалтада бұл тақтаның MicroPython кескіні жоқ",
        "Позовите мастера: в папке нет образа MicroPython для этой платы",
        "Call the foreman: the folder has no MicroPython image for this board",
    ),
    "image_missing": Text(
        "Шеберді шақырыңыз: MicroPython кескінінің файлы қалтада жоқ",
        "Позовите мастера: файла с образом MicroPython нет в папке",
        "Call the foreman: the file of the MicroPython image is missing",
    ),
    "image_differs": Text(
        "Шеберді шақырыңыз: MicroPython кескінінің файлы бүлінген не басқа",
        "Позовите мастера: файл образа MicroPython испорчен или не тот",
        "Call the foreman: the MicroPython image is damaged or another one",
    ),
    "wrong_image": Text(
        "Шеберді шақырыңыз: MicroPython кескіні бұл чипте жұмыс істемейді",
        "Позовите мастера: этот образ MicroPython на таком чипе не работает",
        "Call the foreman: the MicroPython image cannot run on this chip",
    ),
    OTHER: Text(
        "Тағы бір рет көріңіз; көмектеспесе, шеберді шақырыңыз",
        "Попробуйте ещё раз; если не поможет, позовите мастера",
        "Try once more; if that does not help, call the foreman",
    ),
}
