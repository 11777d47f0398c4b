"""The base of the vocabulary: frozen pydantic models that refuse bad values with a calm, typed error."""

from threading import RLock
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from dramagen.errors import DramagenError, InvalidShot

_building = RLock()


class Record(BaseModel):
    """A frozen value. Unknown fields are refused; ``_error`` is what a bad value raises."""

    model_config = ConfigDict(
        frozen=True,
        defer_build=True,  # a validator is built when it is first used: most programs use few
        extra="forbid",
        arbitrary_types_allowed=True,
        ser_json_inf_nan="strings",
        ser_json_bytes="base64",  # a picture is not text
        val_json_bytes="base64",
    )

    _every: ClassVar[set[str]] = set()
    """The names of all fields, for every record that was given all of them: a set of each one's own would take more
    memory than its values."""

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as problem:
            raise invalid(type(self), problem) from None
        if len(self.__pydantic_fields_set__) == len(self._every):  # there are no others
            _put(self, "__pydantic_fields_set__", self._every)

    @classmethod
    def __pydantic_init_subclass__(cls, **how: Any) -> None:
        super().__pydantic_init_subclass__(**how)
        cls._every = set(cls.model_fields)

    # Tells pydantic that nested validation need not come through __init__, so that a bad nested
    # value is reported once, by the outermost record, with its whole path.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # pydantic's own marker

    @classmethod
    def _error(cls, message: str, problems: list[tuple[str, str, str]]) -> DramagenError:
        return InvalidShot(message, problems=problems)

    @classmethod
    def model_rebuild(cls, **how: Any) -> bool | None:
        """Build what was deferred; in one thread at a time, which not every pydantic sees to."""
        with _building:
            return super().model_rebuild(**how)

    @classmethod
    def of_checked(cls, **values: Any) -> Self:
        """A record of values that are valid already, every field among them: they come out of other records.

        Nothing is validated or converted; for the few places that make hundreds at a time.
        """
        return _made(cls, values, cls._every)

    def with_checked(self, **values: Any) -> Self:
        """A copy with some values changed for others that are valid already; like :meth:`of_checked`."""
        return _made(type(self), {**self.__dict__, **values}, self.model_fields_set | values.keys())

    @classmethod
    def parse(cls, data: object) -> "Any":
        """Validate a mapping (or pass an instance through), raising this record's typed error."""
        try:
            return cls.model_validate(data)
        except ValidationError as problem:
            raise invalid(cls, problem) from None


RecordT = TypeVar("RecordT", bound=Record)
_put = object.__setattr__


def _made(kind: type[RecordT], values: dict[str, Any], named: set[str]) -> RecordT:
    """A record as pydantic lays one out, unvalidated."""
    made = kind.__new__(kind)
    _put(made, "__dict__", values)
    _put(made, "__pydantic_fields_set__", named)
    _put(made, "__pydantic_extra__", None)
    _put(made, "__pydantic_private__", None)
    return made


def invalid(kind: type[Record], problem: ValidationError) -> DramagenError:
    """The typed error of a failed validation: every field, the value given, and what would be right."""
    problems = []
    for error in problem.errors(include_url=False):
        field = ".".join(str(part) for part in error["loc"]) or kind.__name__
        given = error.get("input")
        known = kind.model_fields.get(str(error["loc"][0])) if error["loc"] else None
        if known is not None and not known.repr:  # what a repr does not show, an error does not either
            value = f"a {type(given).__name__}"
        else:
            value = f"{len(given)} bytes" if isinstance(given, bytes) else repr(given)
        rule = str(error["ctx"]["error"]) if error["type"] == "value_error" else error["msg"]
        problems.append((field, value if len(value) < 120 else value[:117] + "…", rule))
    lines = [f"{kind.__name__}.{f} = {v}: {r}" for f, v, r in problems]
    return kind._error("; ".join(lines), problems)
