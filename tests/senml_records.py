"""A reader of SenML packs in JSON that holds them to RFC 8428; what it returns is resolved."""

import json
import re
from typing import Any

__all__ = ["PRIMARY_UNITS", "resolved"]

_UNITS = """
    m kg s A K cd mol Hz rad sr N Pa J W C V F Ohm S Wb T H Cel lm lx Bq Gy Sv kat m2 m3 m/s m/s2
    m3/s W/m2 cd/m2 bit bit/s lat lon pH dB dBW count / %RH %EL EL 1/s S/m
"""
PRIMARY_UNITS = set(_UNITS.split())
"""RFC 8428, section 12.1, Table 6, without those with an asterisk: new programs should not produce
them."""

_LABELS = {"bn": str, "bt": float, "n": str, "u": str, "v": float, "vs": str, "vb": bool}
_LABELS |= {"t": float, "ut": float}
_VALUES = {"v", "vs", "vb"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]*")
_RELATIVE_BELOW = 1 << 28


def resolved(pack: bytes, now_s: float) -> dict[str, dict[str, Any]]:
    """Every record by its whole name, with the time as a Unix time (section 4.6).

    Only what axlebox sends is known here; all else fails, and so does what the RFC forbids.
    """
    records = json.loads(pack.decode("utf-8"), parse_constant=_no_number)
    assert records, "a pack has at least one record"
    found: dict[str, dict[str, Any]] = {}
    base = {"bn": "", "bt": 0}
    latest_s = 0.0
    for record in records:
        for label, value in record.items():
            kind = _LABELS[label]
            assert type(value) in ((int, float) if kind is float else (kind,)), record
        base |= {label: record[label] for label in base if label in record}
        name = base["bn"] + record.get("n", "")
        assert _NAME.fullmatch(name), name
        assert name not in found, f"{name} comes twice"
        assert len(_VALUES & record.keys()) == 1, f"{name} has not one value"
        assert ("u" in record) == ("v" in record), "a number, and nothing else, has a unit"
        assert record.get("u", "/") in PRIMARY_UNITS, record["u"]
        time_s = base["bt"] + record.get("t", 0)
        if time_s < _RELATIVE_BELOW:
            time_s += now_s
        assert time_s >= latest_s, "the records are not in the order of time"
        latest_s = time_s
        kept = {label: value for label, value in record.items() if label not in base}
        found[name] = kept | {"n": name, "t": time_s}
    return found


def _no_number(constant: str) -> float:
    raise AssertionError(f"{constant} is not JSON")
