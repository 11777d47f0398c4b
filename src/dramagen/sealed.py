"""Containers nobody changes: what a frozen record keeps of a mapping a caller handed in."""

from collections.abc import Mapping
from typing import Any, NoReturn


class Sealed(dict[str, Any]):
    """A dict that refuses changes, so that a hash taken once stays true. Copies and pickles like a dict."""

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("these options belong to a frozen record; make a changed copy with dict(...)")

    __setitem__ = __delitem__ = __ior__ = _refuse  # every way in is closed
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type["Sealed"], tuple[dict[str, Any]]]:
        return Sealed, (dict(self),)


def seal(value: Any) -> Any:
    """The same content all the way down: mappings as :class:`Sealed`, lists as tuples."""
    if isinstance(value, Mapping):
        return Sealed({str(key): seal(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(seal(item) for item in value)
    return value
