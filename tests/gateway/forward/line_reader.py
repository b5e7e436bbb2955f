"""Lines that went to a server beside the samples that they should tell of."""

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction

from hil.line_protocol import read_line

from .node_double import Sample


def check_samples(bodies: Iterable[bytes], expected: Iterable[Sample]) -> None:
    """Each expected sample is there once, within a fiftieth of a step, and no other.

    Lines that came again with the same bytes count once, as a server counts them.
    """
    lines = sorted({line for body in bodies for line in body.split(b"\n")})
    written = {}
    for line in lines:
        point = read_line(line.decode())
        if point.measurement in ("node", "gateway", "axlebox_audit"):
            continue
        for name, text in point.fields:
            key = (point.measurement, name, point.tags, point.time_us)
            assert key not in written, f"{key} was written twice, with other bytes"
            written[key] = Fraction(text)
    samples = {(s.measurement, s.field, s.tags, s.time_us): s for s in expected}
    assert Counter(written.keys()) == Counter(samples.keys())
    for key, value in written.items():
        sample = samples[key]
        assert abs(value - sample.value) < sample.step / 50, (sample, value)
