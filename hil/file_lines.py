"""Where in a JSON or TOML text a key is written, so that an error can name the line.

Both give {path: line}, paths as msgspec writes them: `$.chips[2].cs`. What stands inside one line
of TOML (an inline table, a list) has the line of its key.
"""

import re

__all__ = ["json_lines", "line_of", "toml_lines"]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_TABLE = re.compile(r"\s*(\[\[?)\s*([\w.-]+)\s*\]")
_KEY = re.compile(r"\s*([\w-]+)\s*=")


def line_of(lines: dict[str, int], path: str) -> int:
    """The line of that path, or of the nearest thing around it."""
    while path not in lines and path != "$":
        path = path[: max(path.rfind("."), path.rfind("["))]
    return lines.get(path, 1)


def json_lines(text: str) -> dict[str, int]:
    """Lines of every value in a text that is JSON."""
    lines: dict[str, int] = {}
    inside: list[list[str | int]] = []  # path and, in a list, the index of the next value
    key = ""
    path = "$"
    expects_key = False
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word in "}]":
            inside.pop()
            expects_key = False
        elif word == ",":
            expects_key = len(inside[-1]) == 1
        elif word == ":":
            expects_key = False
        elif expects_key:
            key = word[1:-1]
        else:
            if inside:
                around = inside[-1]
                path = f"{around[0]}[{around[1]}]" if len(around) == 2 else f"{around[0]}.{key}"
                if len(around) == 2:
                    around[1] = int(around[1]) + 1
            lines[path] = text.count("\n", 0, token.start()) + 1
            if word in "{[":
                inside.append([path] if word == "{" else [path, 0])
                expects_key = word == "{"
    return lines


def toml_lines(text: str) -> dict[str, int]:
    """Lines of tables and keys in a text that is TOML."""
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = "$"
    for number, line in enumerate(text.splitlines(), 1):
        if found := _TABLE.match(line):
            table = f"$.{found[2]}"
            if found[1] == "[[":
                index = counts.get(table, 0)
                counts[table] = index + 1
                table = f"{table}[{index}]"
            lines[table] = number
        elif found := _KEY.match(line):
            lines[f"{table}.{found[1]}"] = number
    return lines
