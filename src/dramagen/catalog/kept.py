"""Answers that stay true as long as the cards do, kept beside them: a few hundred shots share most of them."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from dramagen.catalog.fitting import Unfit

if TYPE_CHECKING:
    from dramagen.catalog.shape import Picture, Terms

MOST = 10_000
"""Answers of one sort kept, of some hundred bytes each: about a hundred shapes on every route."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _No:
    """A refusal that is kept."""

    rule: str
    reason: str


class Shelf(Generic[Answer]):
    """At most so many answers by key; where one more would be too many, the oldest is dropped."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = Lock()  # filming plans in a thread of its own
        self._answers: dict[Hashable, Answer] = {}

    def get(self, key: Hashable) -> Answer | None:
        """What was kept under the key."""
        return self._answers.get(key)

    def keep(self, key: Hashable, answer: Answer) -> None:
        """Keep it, in place of whatever was kept under the key."""
        with self._lock:
            while len(self._answers) >= self._most:
                del self._answers[next(iter(self._answers))]
            self._answers[key] = answer


class Answers(Generic[Answer]):
    """Answers of one sort, refusals among them."""

    def __init__(self) -> None:
        self._shelf: Shelf[Answer | _No] = Shelf()

    def answer(self, key: Hashable, work_out: Callable[[], Answer]) -> Answer:
        """What was answered before under this key, else what ``work_out`` says. Raises ``Unfit`` likewise."""
        found = self._shelf.get(key)
        if found is None:
            try:
                found = work_out()
            except Unfit as no:
                found = _No(no.rule, no.reason)
            self._shelf.keep(key, found)
        if isinstance(found, _No):
            raise Unfit(found.rule, found.reason)
        return found


class Kept:
    """What one catalogue has answered: pictures by mode and shape, terms by region too."""

    def __init__(self) -> None:
        self.pictures: Answers[Picture] = Answers()
        self.terms: Answers[Terms] = Answers()
