"""A computed figure beside the published or hand-calculated one, printed with its error."""

__all__ = ["beside"]


def beside(what: str, value: float, published: float, unit: str, within: float) -> None:
    """Prints both and the relative error, and fails where that is more than `within`."""
    error = (value - published) / published
    print(f"{what}: {value:.5g} {unit}, published or by hand {published:.5g}, {error:+.2%}")
    assert abs(error) <= within, what
