"""What a studio has learnt of its models: verdicts out of the journal, beliefs for the planner."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from dramagen.catalog.cards import ModelCard
from dramagen.catalog.load import Catalog
from dramagen.engine import judgements
from dramagen.engine.database import Transaction
from dramagen.engine.judgements import Judgement
from dramagen.errors import InvalidShot
from dramagen.identity import shot_hash
from dramagen.medium import Media
from dramagen.routing.acceptance import Acceptance, learn
from dramagen.routing.attempts import DEFAULT_RHO
from dramagen.routing.beliefs import Belief, Verdict
from dramagen.routing.priors import Board, Rating, Ratings, card_ratings, kind_of, priors
from dramagen.shot import Shot

BOARDS: tuple[Board, ...] = ("text", "image")
_OTHER: Mapping[Board, Board] = {"text": "image", "image": "text"}


@dataclass(frozen=True, slots=True)
class Past:
    """What has happened to one take of one shot already.

    Attributes:
        failed: rejected takes of the shot, by model.
        judged: how many of its takes were accepted or rejected.
        free: the routes on which this take is filmed already.
        doubts: what is left of a route's chance after what it refused in this run, by route.
        held_back: how often moderation held back what a model had made of this take, by model.
    """

    failed: Mapping[str, int] = field(default_factory=dict)
    judged: int = 0
    free: frozenset[str] = frozenset()
    doubts: Mapping[str, float] = field(default_factory=dict)
    held_back: Mapping[str, int] = field(default_factory=dict)


@dataclass
class _Taught:
    """Everything that follows from the verdicts up to ``seq``; made anew when there are more."""

    seq: int = 0
    words: dict[str, Judgement] = field(default_factory=dict)
    by_board: dict[Board, Acceptance] = field(default_factory=dict)
    beliefs: dict[tuple[Board, str, frozenset[str]], Belief] = field(default_factory=dict)
    shots: dict[str, Past] = field(default_factory=dict)


class Learning:
    """Beliefs of one home. Threads may share it; every call may block on the journal.

    Args:
        consult: asks the journal; its second argument is the answer where there is none yet.
        ratings: what the user fetched from the boards, by board; it comes before the cards' word.
        rho: the user's word on how alike takes are; None learns it.
    """

    def __init__(
        self,
        catalog: Catalog,
        consult: Callable[[Callable[[Transaction], Any], Any], Any],
        ratings: Mapping[Board, Ratings],
        rho: float | None = None,
    ) -> None:
        self._catalog = catalog
        self._consult = consult
        self._fetched = ratings
        self._rho = rho
        self._lock = threading.Lock()
        self._taught = _Taught()
        self._cards: list[ModelCard] | None = None
        self._ratings: dict[Board, dict[str, Rating]] = {}

    def refresh(self) -> None:
        """Hear what was said since the last time."""
        self._consult(self.hear, None)

    def hear(self, tx: Transaction) -> None:
        """The same, where the journal is open already."""
        with self._lock:
            taught = self._taught
            new = judgements.said_after(tx, taught.seq)
            if new:
                words = taught.words | {word.job: word for word in new}
                self._taught = _Taught(new[-1].seq, words, shots=_shots(words))

    def belief(self, model: str, board: Board, kind: frozenset[str]) -> Belief:
        """What is believed of a model on shots of this kind."""
        taught, key = self._taught, (board, model, kind)
        found = taught.beliefs.get(key)
        if found is None:
            with self._lock:
                found = taught.beliefs[key] = self._acceptance(taught, board).of(model, kind)
        return found

    def rho(self) -> float:
        """How alike takes of one model on one shot are, in this project."""
        with self._lock:
            taught = self._taught
            if self._rho is not None or not taught.words:
                return DEFAULT_RHO if self._rho is None else self._rho
            return self._acceptance(taught, "image").rho

    def strictness(self) -> float:
        """How much easier (above zero) or harder this project accepts than the ratings foretell, in logits."""
        with self._lock:
            return self._acceptance(self._taught, "image").strictness

    def past(self, tx: Transaction, shot_hash: str, take: int | None) -> Past:
        """What has happened to a take already; None is a take that shall be filmed anew, whatever there is."""
        known = self.rejected(shot_hash)
        if take is None:
            return known
        return replace(known, free=judgements.paid_for(tx, shot_hash, take))

    def rejected(self, shot_hash: str) -> Past:
        """What was said of the shot's takes."""
        with self._lock:
            return self._taught.shots.get(shot_hash, Past())

    def of(self, shot: Shot, held: str | None, sha256: Callable[[Media], str]) -> Past:
        """What has happened to a shot whose take is held on that route, if it is, without asking the journal."""
        free = frozenset() if held is None else frozenset({held})
        if not self._taught.words:
            return Past(free=free)
        try:
            return replace(self.rejected(shot_hash(shot, sha256)), free=free)
        except InvalidShot:
            return Past(free=free)  # not measured yet: nobody can have judged it

    def ratings(self, board: Board) -> Ratings:
        """Every model's rating there: as fetched, else as the cards say."""
        if board not in self._ratings:
            self._ratings[board] = self.card_ratings(board) | dict(self._fetched.get(board, {}))
        return self._ratings[board]

    def card_ratings(self, board: Board) -> dict[str, Rating]:
        """What the cards alone say."""
        return card_ratings(self._all(), board)

    def titles(self) -> dict[str, str]:
        """What every model is called, by its id."""
        return {card.id: card.title for card in self._all()}

    def models(self) -> tuple[str, ...]:
        """Every model there is a card of."""
        return tuple(sorted({card.id for card in self._all()}))

    def _all(self) -> list[ModelCard]:
        if self._cards is None:
            names = {(route.provider, route.model) for route in self._catalog.routes()}
            self._cards = [self._catalog.model(*name) for name in sorted(names)]
        return self._cards

    def _acceptance(self, taught: _Taught, board: Board) -> Acceptance:
        if board not in taught.by_board:
            believed = priors(self._all(), self.ratings(board), self.ratings(_OTHER[board]))
            said = [_verdict(word) for word in taught.words.values()]
            taught.by_board[board] = learn(said, believed, rho=self._rho)
        return taught.by_board[board]


def _shots(words: Mapping[str, Judgement]) -> dict[str, Past]:
    failed: dict[str, dict[str, int]] = {}
    judged: dict[str, int] = {}
    for word in words.values():
        judged[word.shot] = judged.get(word.shot, 0) + 1
        by_model = failed.setdefault(word.shot, {})
        if not word.accepted:
            by_model[word.route.model] = by_model.get(word.route.model, 0) + 1
    return {shot: Past(failed[shot], judged[shot]) for shot in judged}


def _verdict(word: Judgement) -> Verdict:
    shot = word.record
    return Verdict(
        model=word.route.model,
        shot=word.shot,
        accepted=word.accepted,
        tags=kind_of(
            shot.get("tags") or (),
            dialogue=bool(shot.get("dialogue")),
            references=bool(shot.get("references")),
            frame=shot.get("first_frame") is not None,
        ),
        at=datetime.fromtimestamp(word.at, UTC),
    )
