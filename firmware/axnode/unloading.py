"""Frees the code of a module that is not needed any more."""

import sys


def unload(name: str) -> None:
    """Free a module that will be loaded again when it is needed, or never.

    A name that is only deleted leaves its value in its place until another needs that: it is
    overwritten first.
    """
    if name in sys.modules:
        package, module = name.split(".")
        sys.modules[name] = None  # type: ignore[assignment]
        del sys.modules[name]
        setattr(sys.modules[package], module, None)
        delattr(sys.modules[package], module)
