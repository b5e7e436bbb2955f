"""`make screenshots`: the page of the depot's line (station.py), and the crew page of the
simulated locomotive, well and with faults.

Three languages, three lights and three sizes of the first screen, and each other screen once a
light and language on the panel, into build/screenshots. The locomotive is a whole TE33A on
simulated boards, in real time.
"""

import argparse
import itertools
import json
import secrets
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from crew_page.chromium import open_chromium
from playwright.sync_api import Browser, Page, ViewportSize

from gateway.profiles import load_profile
from gateway.timebase import SystemClock
from gateway.web.texts import LANGUAGES
from hil.bench.happenings import SensorFault
from hil.bench.rig_stage import fault_of
from hil.interpreter import find_interpreter
from hil.programs import find_chromium
from hil.rig import Rig, RigPlan
from screenshots.station import take_station
from simulators.faults import HotBearing, LostField
from simulators.locomotive import Locomotive

LIGHTS = ("day", "night", "red")
SIZES: dict[str, ViewportSize] = {
    "panel": {"width": 800, "height": 480},
    "desk": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}
SCREENS = {
    "details": "#detail/2",
    "brakes": "#detail/air",
    "alarms": "#alarms",
    "service": "#service",
}
UNDER_WAY_S = 45
START_S, FAULT_S = 60, 180
BROKEN = ("motors-a", "motor.winding_temperature", "motor 5", "open")
SILENT = "cab-a"


def main() -> None:
    parser = argparse.ArgumentParser(description="take pictures of the crew page")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--out", type=Path, default=Path("build/screenshots"))
    parser.add_argument("--station", action="store_true", help="the depot's line alone")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with open_chromium(find_chromium()) as browser:
        print(f"{take_station(browser, arguments.out)} pictures of the line in {arguments.out}")
    if arguments.station:
        return
    print(f"seed {arguments.seed}")
    profile = load_profile("te33a")
    locomotive = Locomotive(profile, arguments.seed)
    with tempfile.TemporaryDirectory(prefix="axlebox-screenshots-") as folder:
        fits = tuple((node, locomotive, False) for node in profile.all_nodes)
        plan = RigPlan(profile, "TE33A-0001", fits, Path(folder), arguments.seed)
        rig = Rig(plan, find_interpreter(), SystemClock())
        try:
            rig.start()
            rig.wait(_is_good, START_S)
            rig.run_for(UNDER_WAY_S)
            _acknowledge(rig)
            taken = _take(rig.gateway.page, arguments.out, "well")
            _break(rig, locomotive)
            rig.wait(_is_alarmed, FAULT_S)
            taken += _take(rig.gateway.page, arguments.out, "alarms")
        finally:
            rig.stop()
    print(f"{taken} pictures in {arguments.out}")


def _acknowledge(rig: Rig) -> None:
    """What came while the boards began."""
    for alarm in rig.gateway.state()["alarms"]:
        request = urllib.request.Request(
            rig.gateway.page + "api/alarms/acknowledge",
            json.dumps({"alarm": alarm["id"]}).encode(),
            {"content-type": "application/json", "origin": rig.gateway.page.rstrip("/")},
        )
        with suppress(urllib.error.HTTPError), urllib.request.urlopen(request):
            pass


def _is_good(state: dict[str, Any]) -> bool:
    channels = state["channels"]
    return bool(channels) and all(channel["quality"] == "ok" for channel in channels)


def _is_alarmed(state: dict[str, Any]) -> bool:
    return {"axlebox-hot", "sensor-fault", "node-silent"} <= {
        alarm["rule"] for alarm in state["alarms"]
    }


def _break(rig: Rig, locomotive: Locomotive) -> None:
    """An axlebox that heats up, a motor without a field, a cut wire, and a cable pulled."""
    locomotive.inject(HotBearing("axle 2 left", rise_k=500.0))
    locomotive.inject(LostField("motor 4"))
    node, quantity, place, word = BROKEN
    target = rig.targets[node]
    broken = SensorFault(at_s=0, until_s=1, node=node, quantity=quantity, place=place, word=word)
    target.inject(fault_of(broken, target.fitting))
    rig.cables[SILENT].unplug()


def _take(address: str, folder: Path, state: str) -> int:
    taken = 0
    with open_chromium(find_chromium()) as browser:
        for language, light, size in itertools.product(LANGUAGES, LIGHTS, SIZES):
            for tab in _opened(browser, address, language, light, SIZES[size]):
                tab.screenshot(path=folder / f"{state}-{size}-{language}-{light}.png")
                taken += 1
                for name, screen in SCREENS.items() if size == "panel" else ():
                    tab.goto(address + screen)
                    tab.wait_for_timeout(700)
                    tab.screenshot(path=folder / f"{state}-{name}-{language}-{light}.png")
                    taken += 1
    return taken


def _opened(
    browser: Browser, address: str, language: str, light: str, size: ViewportSize
) -> Iterator[Page]:
    context = browser.new_context(viewport=size, timezone_id="Asia/Almaty")
    context.add_init_script(
        f"localStorage.setItem('axlebox.language', '{language}');"
        f"localStorage.setItem('axlebox.mode', '{light}');"
    )
    tab = context.new_page()
    tab.goto(address)
    tab.wait_for_selector("#cover", state="hidden")
    tab.wait_for_timeout(400)
    yield tab
    context.close()


main()
