"""What people rely on in writing: keys, metrics and commands are all in docs/, as they are."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import axwire
import msgspec
import pytest
import typer
from axwire.codes import HEALTH_FIELDS
from board_peer import Board
from collecting import Collecting
from manual_clock import ManualClock

import gateway
from gateway.cli import command_line
from gateway.commands import Request
from gateway.config import (
    GatewayConfig,
    InfluxConfig,
    MqttConfig,
    SenmlConfig,
    SerialConfig,
    load_config,
)
from gateway.control import Control
from gateway.forward import Verdict
from gateway.forwarding import Forwarding
from gateway.links.mqtt import MqttLink
from gateway.links.serial_port import SerialLink
from gateway.metrics import registry_for
from gateway.profiles import Figure, GroupFit, NodeFit, Profile, Sensor, profile_names
from gateway.profiles.figures import FIGURES
from gateway.senml.publisher import Publisher
from gateway.spool.commit_thread import CommitThread
from gateway.upkeep import UpkeepThread
from gateway.web.access import Access
from gateway.web.actions import action_routes
from gateway.web.events import EventHub

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def rows_of(name: str) -> list[list[str]]:
    """The cells of every table row of a document."""
    lines = [line for line in text_of(name).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def named_in(name: str) -> set[str]:
    """Everything in the first column of a document's tables that is written as code."""
    return {code for row in rows_of(name) for code in re.findall(r"`([^`]+)`", row[0])}


def keys(kind: Any, path: str = "") -> Iterator[tuple[str, msgspec.structs.FieldInfo]]:
    """Every key of a configuration struct: `section.key`, `section[].key` in a list."""
    for field in msgspec.structs.fields(kind):
        info = msgspec.inspect.type_info(field.type)
        if isinstance(info, msgspec.inspect.UnionType):
            info = next(one for one in info.types if not isinstance(one, msgspec.inspect.NoneType))
        item = getattr(info, "item_type", None)
        if isinstance(item, msgspec.inspect.StructType):
            yield from keys(item.cls, f"{field.name}[].")
        elif isinstance(info, msgspec.inspect.StructType):
            yield from keys(info.cls, f"{field.name}.")
        else:
            yield path + field.name, field


KEYS = dict(keys(GatewayConfig))


def example() -> str:
    (found,) = re.findall(r"```toml\n(.*?)```", text_of("configuration.md"), re.DOTALL)
    return str(found)


def test_the_table_of_keys_is_complete_and_has_no_other() -> None:
    variables = {"AXLEBOX_INFLUX_TOKEN", "AXLEBOX_SPOOL"}
    assert named_in("configuration.md") == set(KEYS) | variables


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_documented_with_its_default_and_its_limits(key: str) -> None:
    (row,) = [row for row in rows_of("configuration.md") if row[0] == f"`{key}`"]
    field = KEYS[key]
    default, limits = row[3].strip("`"), row[4]
    if field.required:
        assert default == "required"
    elif field.default is None:
        assert default == "none"
    else:
        told = str(field.default)
        assert default == (told.lower() if isinstance(field.default, bool) else told)
    info = msgspec.inspect.type_info(field.type)
    if isinstance(info, msgspec.inspect.IntType):
        assert limits == f"{info.ge} to {info.le}"
    elif isinstance(info, msgspec.inspect.LiteralType):
        assert set(re.findall(r"`(\w+)`", limits)) == set(info.values)


def test_the_example_is_complete_and_correct(tmp_path: Path) -> None:
    path = tmp_path / "axlebox.toml"
    path.write_text(example(), encoding="utf-8")
    config = load_config(path)
    assert len(config.nodes) == len(config.serial) == 2
    assert config.influx is not None
    assert written_keys(tomllib.loads(example())) == set(KEYS)


@pytest.mark.parametrize("key", [key for key, field in KEYS.items() if not field.required])
def test_the_example_shows_the_defaults(key: str) -> None:
    value: Any = tomllib.loads(example())
    for part in key.split("."):
        value = value[part.removesuffix("[]")]
        value = value[0] if isinstance(value, list) else value
    default = KEYS[key].default
    assert default is None or str(value) == str(default)


def written_keys(tree: dict[str, Any], path: str = "") -> set[str]:
    found = set()
    for name, value in tree.items():
        if isinstance(value, dict):
            found |= written_keys(value, f"{name}.")
        elif isinstance(value, list) and isinstance(value[0], dict):
            found |= {key for one in value for key in written_keys(one, f"{name}[].")}
        else:
            found.add(path + name)
    return found


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[dict[str, set[str]]]:
    """Every metric that /metrics can show, with its labels."""
    board = Board()
    collecting = Collecting(tmp_path, [board], ManualClock())
    core = collecting.gateway
    fields = dict.fromkeys(HEALTH_FIELDS, 1) | {"samples": 4}
    collecting.receive(board.hello(), b"rubbish")
    collecting.answer_pings(board)
    board.readings()
    collecting.receive(board.health(**fields))
    core.commands.ask(Request(node=board.name, command="hello"), "test", lambda answer: None)
    collecting.tick(11_000_000)
    core.commands.tick()
    link = SerialLink(SerialConfig(name="motors", port=tmp_path / "port"), core.ingest)
    broker = MqttLink(MqttConfig(host="127.0.0.1"), "TE33A-0001", core.ingest)
    forwarding = Forwarding(core, InfluxConfig(url="http://127.0.0.1:9"), None)
    forwarding.start()
    shown: dict[str, set[str]] = {}
    committer = CommitThread(core.writer, core.clock)
    upkeep = UpkeepThread(core.upkeep, core.clock)
    core.upkeep.step()
    control = Control(core.commands, core.updating, tmp_path / "control.sock")
    publisher = Publisher(
        MqttConfig(host="127.0.0.1"),
        SenmlConfig(),
        "TE33A-0001",
        1,
        core.registry,
        lambda: core.alarms.life.version,
        core.clock,
    )
    links = [link, broker]
    registry = registry_for(core, links, committer, upkeep, forwarding, control, publisher)
    EventHub(core.registry, registry)
    action_routes(core.registry.state, core.alarms, Access(), registry)
    for family in registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        shown[name] = {label for sample in family.samples for label in sample.labels}
    yield shown
    forwarding.stop()
    collecting.close()


def test_every_metric_is_documented_with_its_labels(metrics: dict[str, set[str]]) -> None:
    documented = {
        code: set(re.findall(r"`(\w+)`", row[1]))
        for row in rows_of("metrics.md")
        for code in re.findall(r"`(axlebox_\w+)`", row[0])
    }
    assert set(documented) == set(metrics)
    for name, labels in metrics.items():
        if labels:
            assert documented[name] == labels, name


def queues() -> list[list[str]]:
    """Rows of the table of queues: queue, where, bound, when full, depth, drops."""
    text = section_of("operation.md", "## Queues and their bounds")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return rows[1:]


def test_every_queue_has_a_bound_and_a_depth_that_metrics_show(
    metrics: dict[str, set[str]],
) -> None:
    for queue, where, bound, full, depth, drops in queues():
        assert bound, queue
        assert full, queue
        assert (ROOT / where.strip("`")).is_file()
        shown = re.findall(r"`(axlebox_\w+)`", depth)
        counted = re.findall(r"`(axlebox_\w+)`", drops)
        assert shown, queue
        assert counted or drops.startswith("none"), queue
        assert {*shown, *counted} <= set(metrics), queue


def test_no_queue_is_missing_from_the_table() -> None:
    """A deque or Queue that lasts is an attribute of something."""
    made = re.compile(r"self\.\w+(: [^=]+)? = (\w+\.)?(deque|\w*Queue)\(")
    package = Path(gateway.__path__[0])
    found = {
        f"`{path.relative_to(ROOT)}`"
        for path in package.rglob("*.py")
        if made.search(path.read_text(encoding="utf-8"))
    }
    assert len(found) > 5
    assert found <= {row[1] for row in queues()}


def test_every_reason_for_a_refusal_is_documented() -> None:
    documented = section_of("metrics.md", "## Why messages are refused")
    assert first_cells(documented) == reasons() | {"reason"}


def test_every_loss_is_documented(tmp_path: Path) -> None:
    collecting = Collecting(tmp_path, [Board()], ManualClock())
    losses = set(collecting.gateway.losses())
    collecting.close()
    assert first_cells(section_of("metrics.md", "## What is lost")) == losses | {"by"}


def test_every_field_of_health_is_documented() -> None:
    documented = section_of("metrics.md", "Fields of `axlebox_node_health`")
    assert first_cells(documented) == set(HEALTH_FIELDS) | {"field"}


def test_every_reason_for_a_retry_is_documented() -> None:
    (row,) = [r for r in rows_of("metrics.md") if r[0] == "`axlebox_forward_retries_total`"]
    assert set(re.findall(r"`(\w+)`", row[3])) == {v.value for v in Verdict} - {"ok"}


def section_of(name: str, heading: str) -> str:
    """From a line that begins so to the next heading."""
    return text_of(name).split(heading, 1)[1].split("\n## ", 1)[0]


def first_cells(text: str) -> set[str]:
    cells = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("|")]
    return {code for cell in cells for code in re.findall(r"`([^`]+)`", cell)}


def reasons() -> set[str]:
    """What the code of gateway and axwire counts refusals by."""
    return {
        reason
        for package in (gateway, axwire)
        for path in Path(package.__path__[0]).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for reason in _reasons_at(node)
    }


def _reasons_at(node: ast.AST) -> Iterator[str]:
    """The text in `refused["..."]`, `WireError("...", text)` and `refuse_noise("...", count)`."""
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "self.refused":
        counted = node.slice
    elif isinstance(node, ast.Call) and _REFUSING.search(ast.unparse(node.func)):
        counted = node.args[0]
    else:
        return
    if isinstance(counted, ast.Constant) and isinstance(counted.value, str):
        yield counted.value


_REFUSING = re.compile(r"refuse_noise$|^(Wire|Framing|Envelope)Error$|^super\(\)\.__init__$")


def rows_by_name(name: str, heading: str) -> dict[str, list[str]]:
    """Cells of the tables below a heading, by each thing that is code in the first."""
    lines = [line for line in section_of(name, heading).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return {code: row for row in cells for code in re.findall(r"`([^`]+)`", row[0])}


def test_every_figure_of_a_profile_is_documented_with_its_unit_and_range() -> None:
    documented = rows_by_name("profiles.md", "## Figures")
    assert list(documented) == list(FIGURES)
    for name, kind in FIGURES.items():
        low, high = (float(end) for end in documented[name][2].split(" to "))
        assert (documented[name][1], low, high, documented[name][3]) == kind


def test_every_class_that_is_shipped_is_documented() -> None:
    assert first_cells(text_of("profiles.md").split("\n## ")[0]) == set(profile_names())


def profile_keys() -> set[str]:
    inner: dict[str, type] = {"": Profile, "nodes[].": NodeFit, "nodes[].groups[].": GroupFit}
    found = {prefix + field for prefix, kind in inner.items() for field in kind.__struct_fields__}
    return (found | {f"figures.*.{field}" for field in Figure.__struct_fields__}) - {"id"}


def test_every_key_of_a_profile_is_documented() -> None:
    assert rows_by_name("profiles.md", "## Keys").keys() == profile_keys()


@pytest.mark.parametrize("kind", get_args(Sensor), ids=lambda kind: kind.__struct_config__.tag)
def test_every_kind_of_sensor_is_documented_with_its_settings(kind: Any) -> None:
    documented = rows_by_name("profiles.md", "## Kinds of sensor")
    assert len(documented) == len(get_args(Sensor))
    told = re.findall(r"`(\w+)`(?: \(`?([^`)]+)`?\))?", documented[kind.__struct_config__.tag][1])
    fields = msgspec.structs.fields(kind)
    assert [name for name, _ in told] == [field.name for field in fields]
    for (_, default), field in zip(told, fields, strict=True):
        if field.required:
            assert default == ""
        else:
            assert default == (
                "none" if field.default is None else f"{field.default}".split(".")[0]
            )


def options() -> list[tuple[str, str]]:
    """Every command that does something, and each of its options."""
    return [*_options_of(typer.main.get_command(command_line()), "axlebox")]


def _options_of(command: Any, path: str) -> Iterator[tuple[str, str]]:
    members = getattr(command, "commands", {})
    if not members:
        yield path, ""
        for parameter in command.params:
            if parameter.param_type_name == "option":
                yield from ((path, option) for option in parameter.opts)
    for name, member in members.items():
        yield from _options_of(member, f"{path} {name}")


@pytest.mark.parametrize(("command", "option"), options())
def test_every_command_and_option_is_documented(command: str, option: str) -> None:
    text = section_of("commands.md", "## " + " ".join(command.split()[:2]))
    if command.count(" ") > 1:
        text = text.split(f"| `{command}` |", 1)[1].split("| `axlebox ", 1)[0]
    assert not option or option in re.findall(r"`(--?\w[-\w]*)", text)


def test_no_other_command_or_option_is_documented() -> None:
    text = text_of("commands.md")
    known = options()
    assert set(re.findall(r"`(--?\w[-\w]*)", text)) == {o for _, o in known if o}
    assert set(re.findall(r"^\| `(axlebox [\w ]+)`", text, re.M)) <= {name for name, _ in known}


def test_each_decision_has_a_number_of_its_own() -> None:
    names = sorted(path.name for path in (DOCS / "decisions").glob("[0-9]*.md"))
    numbers = [int(name.split("-")[0]) for name in names]
    assert numbers == list(range(1, len(names) + 1))
    for number, name in zip(numbers, names, strict=True):
        title = text_of(f"decisions/{name}").splitlines()[0]
        assert title.startswith(f"# {number}. "), name


def told() -> list[str]:
    """What the table of texts says that one reads, `...` for what differs from case to case."""
    rows = section_of("operation.md", "## What it says, and what to do").splitlines()
    cells = [line.split(" | ")[1] for line in rows if line.startswith("| ")][1:]
    return [text for cell in cells for text in cell.strip("`").split("`, `")]


def strings_of(folder: Path) -> str:
    """Every text in the code of a folder, a line each, `...` for what is put into it."""
    return "\n".join(
        _text_of(node)
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Constant, ast.JoinedStr))
    )


def _text_of(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_text_of(part) for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else "..."


@pytest.fixture(scope="module")
def in_code() -> str:
    return strings_of(Path(gateway.__path__[0]))


@pytest.fixture(scope="module")
def in_tests() -> str:
    return strings_of(ROOT / "tests" / "gateway")


@pytest.mark.parametrize("text", told())
def test_what_one_reads_is_in_the_code_and_in_a_test(
    text: str, in_code: str, in_tests: str
) -> None:
    parts = text.split("...")
    assert re.search(r"[^\n]*".join(map(re.escape, parts)), in_code)
    assert max((part.strip(" :;.") for part in parts), key=len) in in_tests
