"""`axlebox rules check`, and the document's table of rules."""

import re
from pathlib import Path

from typer.testing import CliRunner

from gateway.alarms.rulebook import load_rules
from gateway.profiles import load_profile
from hil.rules.cli import app

DOCUMENT = Path(__file__).parents[3] / "docs" / "alarms.md"


def checked(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", *arguments], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_it_lists_the_rules_with_numbers() -> None:
    code, output = checked("--all-nodes")
    assert code == 0
    (row,) = [line for line in output.splitlines() if "winding-hot" in line]
    assert all(part in row for part in ("M01", "medium", "> 180 °C", "<= 170 °C", "no"))
    assert "inactive" not in row


def test_a_rule_without_its_sensors_is_inactive_and_says_so() -> None:
    _, output = checked()
    (row,) = [line for line in output.splitlines() if "supply-low" in line]
    assert "inactive: supply.voltage is not fitted to te33a" in row


def test_a_wrong_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('off = ["winding-hott"]\n', encoding="utf-8")
    code, output = checked(str(path))
    assert code == 1
    assert "is winding-hot meant?" in output


def test_the_document_has_every_rule_with_its_code() -> None:
    text = DOCUMENT.read_text(encoding="utf-8").split("## How long")[0]
    rows = re.findall(r"^\| ([A-Z]+[0-9]+|-) \| `([a-z-]+)` \|", text, re.MULTILINE)
    rules = load_rules(load_profile("te33a"))
    assert sorted(rows) == sorted((one.words.code or "-", one.rule.id) for one in rules)


def test_the_documents_example_is_a_right_file(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "rules.toml"
    path.write_text(example, encoding="utf-8")
    code, output = checked(str(path))
    assert code == 0
    assert "oil-hot" in output
    assert "winding-warm" not in output
