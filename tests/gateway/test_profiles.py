"""Locomotive classes as data: those that are shipped, and what is said of a file that is wrong."""

import re
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from gateway.cli import command_line
from gateway.config import load_config
from gateway.errors import ConfigError
from gateway.profiles import (
    Profile,
    load_profile,
    profile_names,
    read_profile,
    template,
)
from gateway.profiles.check import mistakes, warnings
from gateway.profiles.figures import FIGURES

CLASSES = ["es44aci", "kz4at", "kz8a", "te33a", "te33at", "vl80s"]


def test_the_classes_of_the_network_are_there() -> None:
    assert profile_names() == CLASSES


@pytest.mark.parametrize("name", CLASSES)
def test_a_shipped_class_is_sound_and_says_where_each_number_comes_from(name: str) -> None:
    profile = load_profile(name)
    assert list(mistakes(profile)) == []
    assert profile.figures.keys() == FIGURES.keys()
    for figure in profile.figures.values():
        assert len(figure.source) > 10
        doubtful = re.search("assumed|general knowledge|not known|as te33a", figure.source)
        assert not (figure.verified and doubtful), figure


def test_published_figures_are_those_of_the_sources() -> None:
    """Read again from what was noted of them, not from the files."""
    published = {
        "te33a": {"mass": 138, "axle_load": 23, "power": 3356, "starting_effort": 534},
        "kz8a": {"mass": 200, "axle_load": 25, "power": 8564, "starting_effort": 833},
        "vl80s": {"mass": 184, "gear_ratio": 4.19, "supply_voltage": 50, "wheel_diameter": 1250},
        "kz4at": {"top_speed": 200},
    }
    for name, figures in published.items():
        there = load_profile(name).figures
        for figure, value in figures.items():
            assert (there[figure].value, there[figure].verified) == (value, True), figure


def test_the_motors_of_the_vl80_alone_are_dc_series() -> None:
    kinds = {name: load_profile(name).motor_kind for name in CLASSES}
    assert [name for name, kind in kinds.items() if kind == "dc_series"] == ["vl80s"]


@pytest.mark.parametrize("name", ["te33at", "es44aci"])
def test_a_variant_has_all_figures_and_nodes_of_its_class_and_none_verified(name: str) -> None:
    variant, origin = load_profile(name), load_profile("te33a")
    assert (variant.id, variant.variant_of) == (name, "te33a")
    assert variant.all_nodes == origin.all_nodes
    for key, figure in variant.figures.items():
        assert figure.value == origin.figures[key].value
        assert figure.source == f"as te33a: {origin.figures[key].source}"
        assert not figure.verified


def test_a_figure_of_its_own_goes_before_that_of_the_class(tmp_path: Path) -> None:
    path = tmp_path / "te33b.toml"
    path.write_text(
        'title = "TE33B"\nvariant_of = "te33a"\nmotors = 4\n[figures.mass]\nvalue = 140\n'
        'unit = "t"\nsource = "weighed at the depot"\nverified = true\n'
    )
    profile = load_profile(str(path))
    assert (profile.id, profile.title, profile.motors) == ("te33b", "TE33B", 4)
    mass = profile.figures["mass"]
    assert (mass.value, mass.source, mass.verified) == (140, "weighed at the depot", True)
    assert profile.figures["power"].value == 3356


def test_the_demo_has_the_first_three_nodes_and_the_fitting_more() -> None:
    profile = load_profile("te33a")
    assert [node.name for node in profile.nodes] == ["motors-a", "axles-a", "brakes-a"]
    measured = {group.quantity for node in profile.all_nodes for group in node.groups}
    assert measured > {group.quantity for node in profile.nodes for group in node.groups}


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_fitted_for_all_that_its_diagnosis_needs(name: str) -> None:
    profile = load_profile(name)
    measured: dict[str, set[str]] = {}
    for node in profile.all_nodes:
        for group in node.groups:
            measured.setdefault(group.quantity, set()).update(group.places)
    motors = {f"motor {number}" for number in range(1, profile.motors + 1)}
    axles = {f"axle {number}" for number in range(1, profile.axles + 1)}
    bogies = {f"bogie {number}" for number in range(1, profile.bogies + 1)}
    assert measured["motor.current"] == measured["motor.winding_temperature"] == motors
    assert measured["axle.load"] == measured["axle.speed"] == axles
    assert measured["axle.bearing_temperature"] == {
        f"{axle} {side}" for axle in axles for side in ("left", "right")
    }
    assert {place.rsplit(" ", 1)[0] for place in measured["axle.acceleration"]} == axles
    assert measured["brake.cylinder_pressure"] == bogies
    for quantity in (
        "brake.pipe_pressure",
        "brake.main_reservoir_pressure",
        "brake.equalising_pressure",
        "supply.voltage",
        "ambient.temperature",
    ):
        assert measured[quantity] == {"locomotive"}, quantity


def changed(folder: Path, old: str, new: str) -> Path:
    """The template with a change, as a class of one's own."""
    text = template()
    assert old in text
    path = folder / "crrc-1.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def answered(*words: str) -> tuple[int, str]:
    """Exit code and output of `axlebox profile`."""
    result = CliRunner().invoke(command_line(), ["profile", *words])
    return result.exit_code, result.output


def test_the_template_under_another_name_is_a_class(tmp_path: Path) -> None:
    code, text = answered("template")
    assert code == 0
    path = tmp_path / "sinara-2.toml"
    path.write_text(text, encoding="utf-8")
    assert answered("check", str(path)) == (
        0,
        f"{path}: {len(FIGURES)} figures, {len(FIGURES)} of them not verified, 3 nodes: sound\n",
    )
    assert read_profile(path).id == "sinara-2"
    assert list(warnings(read_profile(path))) == []


FIGURE = (
    '[figures.mass]                     # axle_load x axles, within 3 %\nvalue = 92\nunit = "t"'
)
MISTAKES = {
    "unknown key": ("sections = 1", "sektions = 1", "unknown key sektions; remove it or correct"),
    "a key less": ("bogies = 2", "", "key bogies is missing (docs/profiles.md"),
    "an id": ("bogies = 2", 'bogies = 2\nid = "x"', "remove the key id: a profile's id is its"),
    "no number": ("axles = 4", 'axles = "4"', "key axles: Expected `int`, got `str`"),
    "motors of no kind": ('"asynchronous"', '"steam"', "key motor_kind: Invalid enum value"),
    "unknown key of a figure": (FIGURE, FIGURE + "\nsorce = 1", "unknown key figures.mass.sorce"),
    "a figure without source": (
        'source = "an example"',
        "",
        "key figures.mass.source is missing",
    ),
    "a source that is empty": (
        'source = "an example"',
        'source = " "',
        "figures.mass.source: empty: say where the number comes from",
    ),
    "a figure less": (
        FIGURE,
        FIGURE.replace(".mass", ".maas"),
        "figures.mass: missing: give it in t (of the whole locomotive",
    ),
    "a figure of no name": (
        FIGURE,
        FIGURE.replace(".mass", ".maas"),
        "figures.maas: no figure has this name: remove it, or correct it: is mass meant?",
    ),
    "another unit": (
        FIGURE,
        FIGURE.replace('"t"', '"kg"'),
        "figures.mass.unit: it is given in 'k",
    ),
    "too much": (FIGURE, FIGURE.replace("92", "92000"), "figures.mass.value: 92000 t cannot be"),
    "mass and axles": (
        FIGURE,
        FIGURE.replace("92", "95"),
        "figures.axle_load: 4 axles of 23 t carry 92 t, and mass is 95 t: correct one",
    ),
    "efforts": (
        "value = 320",
        "value = 210",
        "figures.continuous_effort: 216 is not less than starting_effort, 210: correct one",
    ),
    "no axles": ("axles = 4", "axles = 0", "axles: 0 is none: count those of all sections"),
    "axles that bogies cannot share": ("axles = 4", "axles = 5", "axles: 5 cannot be shared out"),
    "a quantity": (
        '"motor.current"',
        '"motor.curent"',
        "nodes[0].groups[0].quantity: there is no quantity motor.curent: is motor.current meant?",
    ),
    "a place beyond the counts": (
        '"motor 4"',
        '"motor 5"',
        "nodes[0].groups[0].places: there is no motor 5: motor 1 to motor 4",
    ),
    "a place of no kind": ('"motor 4"', '"wheel 4"', "places: place 'wheel 4' is none: write"),
    "a channel twice": (
        '"motor 4"',
        '"motor 3"',
        "motor.current at motor 3 is measured by motors-a too: remove one",
    ),
    "a period": (
        "period_ms = 10\n",
        "period_ms = 70000\n",
        "nodes[0].groups[0].period_ms: 70000 cannot be: 1 to 60000",
    ),
    "a sensor that cannot": (
        '{ kind = "pt100" }',
        '{ kind = "contact" }',
        "nodes[0].groups[1].sensor: a sensor of kind contact cannot measure "
        "motor.winding_temperature in °C",
    ),
    "a sensor of no kind": ('"pt100"', '"pt1000"', "nodes[0].groups[1].sensor"),
    "a range upside down": ("low = 0, high = 1200", "low = 9, high = 1", "sensor.low: not less"),
    "a board": ('"pico" ', '"arduino" ', "nodes[0]: there is no board arduino; there are: esp32"),
    "too much for a board": (
        'kind = "pt100" }',
        'kind = "pt100" }\n[[nodes.groups]]\nquantity = "axle.bearing_temperature"\n'
        'places = ["axle 3 left", "axle 3 right", "axle 4 left"]\nperiod_ms = 1000\n'
        'sensor = { kind = "pt100" }',
        "nodes[0]: node motors-a: more than 6 PT100; move some to another node",
    ),
    "a node twice": ('"axles-1"', '"motors-a"', "nodes[1].name: motors-a is there twice"),
    "a node's name": ('"axles-1"', '"Axles 1"', "nodes[1].name: 'Axles 1': write 1 to 23 lower"),
    "no toml": ("axles = 4", "axles : 4", "cannot be read: "),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_file_key_and_remedy(tmp_path: Path, mistake: str) -> None:
    old, new, words = MISTAKES[mistake]
    path = changed(tmp_path, old, new)
    code, said = answered("check", str(path))
    assert code == 1
    assert any(line.startswith(f"{path}: ") and words in line for line in said.splitlines()), said


def test_every_mistake_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    path = changed(tmp_path, "axles = 4", "axles = 8")
    path.write_text(path.read_text().replace('"motor.current"', '"motor.curent"'))
    missing = tmp_path / "none.toml"
    code, said = answered("check", str(path), str(missing), str(tmp_path / "Big.toml"))
    assert code == 1
    told = [line.removeprefix(f"{tmp_path}/") for line in said.splitlines()]
    assert [line.split(": ")[:2] for line in told] == [
        ["crrc-1.toml", "figures.axle_load"],
        ["crrc-1.toml", "nodes[0].groups[0].quantity"],
        ["none.toml", "there is no such file"],
        ["Big.toml", "a profile's id is its file's name"],
    ]


def test_power_that_does_not_match_the_effort_is_a_warning_with_both_numbers(
    tmp_path: Path,
) -> None:
    path = changed(tmp_path, "value = 4800", "value = 5100")
    code, said = answered("check", str(path))
    assert code == 0
    assert "warning: figures.continuous_effort: with continuous_speed it makes 4800 kW" in said
    assert "power is 5100 kW" in said
    assert said.endswith("sound\n")


def test_check_without_files_checks_all_that_are_shipped() -> None:
    code, said = answered("check")
    assert code == 0
    sound = [line.split(":")[0] for line in said.splitlines() if line.endswith("sound")]
    assert sound == CLASSES


def test_show_has_every_figure_with_its_mark_and_every_node(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    code, said = answered("show", "te33a")
    assert code == 0
    profile = load_profile("te33a")
    rows = {line.split()[0]: line.split() for line in said.splitlines() if line.strip()}
    for name, figure in profile.figures.items():
        assert rows[name][1:4] == [
            f"{figure.value:g}",
            figure.unit,
            "yes" if figure.verified else "no",
        ]
    for node in profile.all_nodes:
        assert rows[node.name][1] == "pico"


def test_show_as_json_is_the_profile() -> None:
    code, said = answered("show", "kz8a", "--json")
    assert code == 0
    assert msgspec.json.decode(said, type=Profile) == load_profile("kz8a")


def test_a_gateway_may_have_a_profile_in_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(tmp_path, "New class", "Our class")
    config = tmp_path / "axlebox.toml"
    config.write_text('[locomotive]\nid = "L-1"\nprofile = "crrc-1.toml"\n')
    monkeypatch.chdir(tmp_path.parent)
    settings = load_config(config)
    assert load_profile(settings.locomotive.profile).title == "Our class"
    config.write_text('[locomotive]\nid = "L-1"\nprofile = "crrc-2.toml"\n')
    with pytest.raises(ConfigError, match=f"{tmp_path / 'crrc-2.toml'}: there is no such file"):
        load_profile(load_config(config).locomotive.profile)
    config.write_text('[locomotive]\nid = "L-1"\nprofile = "crrc/1"\n')
    with pytest.raises(ConfigError, match=r"key locomotive\.profile"):
        load_config(config)
