"""Bytes on the serial line for each sample, all overhead in."""

from axwire.framing import frame

from benchmarks.report import Figure
from benchmarks.traffic import Traffic, make_traffic


def measure(seed: int) -> dict[str, Figure]:
    traffic = make_traffic(nodes=1, seconds=300, seed=seed)
    on_line = sum(len(frame(message)) for message in traffic.messages)
    return {
        "wire.bytes_per_sample": Figure(
            on_line / traffic.samples,
            "bytes",
            2.2,
            seed,
            {"int16 without envelope": 2.0, "a JSON number": _json_bytes(traffic)},
        )
    }


def _json_bytes(traffic: Traffic) -> float:
    """A reading as `{"n":"motors-a","c":3,"t":123456,"v":412.5}` and a line end."""
    return float(len('{"n":"motors-a","c":3,"t":123456,"v":412.5}\n'))
