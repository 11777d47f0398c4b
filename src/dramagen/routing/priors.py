"""What is believed of a model before a project has seen a take of it: from its cards, and from its family."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from dramagen.catalog.cards import ModelCard
from dramagen.catalog.order import Mode
from dramagen.routing.beliefs import FAMILY_TAKES, WIDE, Prior, rated, unrated
from dramagen.shot import Shot

Board = Literal["text", "image"]
"""Models are rated with a prompt alone, and with a picture to start from: two scales that are not compared."""


@dataclass(frozen=True, slots=True)
class Rating:
    """A rating on a board, and half its 95 % interval where that is known; ``source`` says where it was read."""

    rating: float
    interval: float | None = None
    source: str = ""

    @property
    def lowest(self) -> float:
        """The lower end of its 95 % interval."""
        return self.rating - (self.interval or 0.0)

    @property
    def sure(self) -> bool:
        """Whether votes on its own board stand behind it, rather than a comparison of boards."""
        return self.interval is None or self.interval <= WIDE


Ratings = Mapping[str, Rating]
"""By model id."""


def board_of(mode: Mode) -> Board:
    """The board that speaks of this way of filming."""
    return "text" if mode == "text" else "image"


def card_ratings(cards: Iterable[ModelCard], board: Board) -> dict[str, Rating]:
    """What the cards say; the same id is the same model, whoever serves it."""
    found: dict[str, Rating] = {}
    for card in cards:
        for each in card.quality:
            if any(board_of(mode) == board for mode in each.modes):
                found.setdefault(card.id, Rating(each.rating, each.interval, f"{each.board}, {each.date}"))
    return found


def priors(cards: Iterable[ModelCard], here: Ratings, elsewhere: Ratings) -> dict[str, Prior]:
    """The prior of every model on one board.

    A model without a rating there is believed to be as good as its rating on the other board says, else a little less
    than its family is there, or on the other board, else as a middling model: held as lightly as all that deserves.

    Args:
        here: ratings on this board.
        elsewhere: those on the other.
    """
    listed = list(cards)
    families = _families(listed, elsewhere) | _families(listed, here)
    found = {}
    for card in listed:
        if own := here.get(card.id):
            found[card.id] = rated(own.rating, own.interval)
        elif other := elsewhere.get(card.id):
            about = f"rating {other.rating:.0f} on another board"
            found[card.id] = Prior(rated(other.rating).chance, FAMILY_TAKES, about)
        else:
            found[card.id] = unrated(families.get(card.family, ()))
    return found


def _families(cards: Iterable[ModelCard], ratings: Ratings) -> dict[str, list[float]]:
    """The ratings of each family's models."""
    found: dict[str, list[float]] = {}
    for name, family in {card.id: card.family for card in cards}.items():
        if known := ratings.get(name):
            found.setdefault(family, []).append(known.rating)
    return found


STYLES = frozenset({"live", "anime", "3d"})
MOTIONS = frozenset({"low-motion", "high-motion"})


def kind_of(tags: Iterable[str], *, dialogue: bool, references: bool, frame: bool) -> frozenset[str]:
    """The kind of a shot, as far as acceptance is learnt by kind: style, motion, dialogue, and what it starts from.

    Other tags are left out: shots of one episode would each be a kind of their own.
    """
    kind = {tag for tag in tags if tag in STYLES or tag in MOTIONS}
    if dialogue:
        kind.add("dialogue")
    kind.add("references" if references else "frame" if frame else "text")
    return frozenset(kind)


def kind_of_shot(shot: Shot) -> frozenset[str]:
    """:func:`kind_of`, of a shot."""
    return kind_of(
        shot.tags,
        dialogue=bool(shot.dialogue),
        references=bool(shot.references),
        frame=shot.first_frame is not None,
    )
