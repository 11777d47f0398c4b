"""The optional libraries behind this package."""

from importlib.util import find_spec

from dramagen.errors import MissingExtra


def require(module: str, what: str) -> None:
    """Make sure an optional library is there before it is imported.

    Args:
        module: the import name: ``av`` or ``PIL``.
        what: the thing that needs it, for the message: ``"trimming a clip"``.

    Raises:
        MissingExtra: it is not installed; the message has the pip line.
    """
    if find_spec(module) is None:
        raise MissingExtra("media", what)
