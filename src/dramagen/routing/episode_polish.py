"""A plan that is nearly in time, or could be a little better, moved shot by shot: by the exact clock.

Prices of waiting know how busy a key is on average. Whether a plan is in time depends on which takes share a place
and which wait for others, and only the clock itself knows that. So the last step tries the other ways of single
shots, and of pairs where one shot gets the better take that another makes room for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, inf, prod
from operator import itemgetter
from random import Random
from typing import NamedTuple

from dramagen.routing.episode_items import Filmed
from dramagen.routing.episode_time import Clock, Stints

_UPS, _DOWNS = 60, 120
"""Of the ways that are better than the shot's own, and of those that make room: how many are paired, best first."""
_KICKED, _TRIED = 3, 12
"""Shots that are moved at random at once, and moves that are drawn to find as many that the money allows."""
_NEAR = 0.99
"""What has to be left of the gain for pairs to be tried as well."""
_COST_OF_A_KICK, _COST_OF_PAIRS = 20, 100
"""In looks: moves have to be put in order, and pairs to be made."""
_SOONER = 0.995
"""What is aimed at next where no plan is in time, as a part of the time it takes."""
_HAIR = 1e-9


class Candidate(NamedTuple):
    """One way to film one shot.

    Attributes:
        money: what has to be there for it.
        gain: what it adds to what the episode is planned for.
        stints: its takes, as the clock counts them.
    """

    filmed: Filmed
    money: float
    gain: float
    stints: Stints


_Move = tuple[float, int, int, Candidate]
"""What is lost by it at the prices of the search, a number of its own, the shot, and the way it would be filmed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What every plan has to keep to, and the prices at which a search without the clock did.

    Attributes:
        money: what may be set aside; infinite where there is no budget.
        seconds: the deadline.
        money_price: the gain that one more unit of money would bring.
        second_price: the gain that one more second would bring, by key.
    """

    money: float
    seconds: float
    money_price: float
    second_price: Mapping[str, float]

    def worth(self, candidate: Candidate) -> float:
        """Its gain less what it uses up."""
        waiting = fsum(self.second_price.get(key, 0.0) * seconds for key, seconds in candidate.stints)
        return candidate.gain - self.money_price * candidate.money - waiting


class Polish:
    """The plan as it stands, and the ways its shots could be filmed in instead."""

    def __init__(
        self,
        start: Sequence[Candidate],
        rows: Sequence[Sequence[Candidate]],
        clock: Clock,
        limits: Limits,
    ) -> None:
        """``rows`` has the candidates of each shot, in the order of ``start``."""
        self.picks = list(start)
        self.looks = 0
        """Plans put to the clock from now on, at most."""
        self._clock, self._limits = clock, limits
        self._rows = [[(limits.worth(each), each) for each in row] for row in rows]
        self._jobs = [pick.stints for pick in start]
        self._money = fsum(pick.money for pick in start)

    @property
    def gain(self) -> float:
        """What the plan is for, added up."""
        return fsum(pick.gain for pick in self.picks)

    @property
    def wall(self) -> float:
        """Seconds until all is over."""
        return self._clock.wall(self._jobs)

    @property
    def plans(self) -> int:
        """How many plans there are to choose from."""
        return prod(len(row) for row in self._rows)

    def quicken(self) -> None:
        """Moves shots while all is over sooner by that, whatever it loses."""
        quickest, wall = list(self.picks), self.wall
        while self.looks > 0 and self.hurry(wall * _SOONER):
            quickest, wall = list(self.picks), self.wall
        self._move(dict(enumerate(quickest)))

    def hurry(self, aim: float) -> bool:
        """Moves shots until all is over within ``aim``, the most time for the least loss first; whether it is."""
        over = self._overrun({}, aim)
        while over > 0 and self.looks > 0:
            quickest = self._quickest(aim, over)
            if quickest is None:
                return False
            over, place, candidate = quickest
            self._move({place: candidate})
        return over == 0

    def _quickest(self, aim: float, over: float) -> tuple[float, int, Candidate] | None:
        """What is left over after the move that saves most time for what it loses, and that move."""
        best: tuple[float, int, Candidate] | None = None
        most = 0.0
        for number, (less, _, place, candidate) in enumerate(self._others()):
            if number % _DOWNS == 0 and best is not None:
                break
            if not self._affordable({place: candidate}):
                continue
            after = self._overrun({place: candidate}, aim, over)
            if after < over * (1 - _HAIR) and (saved := (over - after) / max(less, _HAIR)) > most:
                best, most = (after, place, candidate), saved
        return best

    def improve(self) -> None:
        """Moves shots while that makes the plan better and keeps it in time."""
        while self.looks > 0 and (self._one() or self._two()):
            pass

    def explore(self, enough: float) -> None:
        """Moves a few shots at random, improves what comes of it, and keeps it where it is sooner in time, or better.

        It ends with the looks, or in time where the gain is ``enough``. The same plan and ways are always explored
        alike.
        """
        draw = Random(len(self.picks))  # noqa: S311 - a search, no secret
        best, gain, over = list(self.picks), self.gain, self._overrun({}, self._limits.seconds)
        moves = self._paired()
        while self.looks > 0 and (over > 0 or gain < enough):
            self.looks -= _COST_OF_A_KICK
            self._move(self._kick(draw, moves))
            if self.hurry(self._limits.seconds):
                while self.looks > 0 and self._one():
                    pass
                if over > 0 or self.gain > gain * _NEAR:
                    self.improve()
            after = self._overrun({}, self._limits.seconds)
            if after < over or (after == over == 0 and self.gain > gain + _HAIR):
                best, gain, over = list(self.picks), self.gain, after
                moves = self._paired()
            else:
                self._move(dict(enumerate(best)))

    def _paired(self) -> list[_Move]:
        ups, downs = self._ups_and_downs()
        return ups + downs

    def _kick(self, draw: Random, moves: Sequence[_Move]) -> Mapping[int, Candidate]:
        """A few of these moves that the money allows together."""
        moved: dict[int, Candidate] = {}
        for _, _, place, candidate in draw.sample(moves, min(_TRIED, len(moves))):
            if place not in moved and self._affordable(moved | {place: candidate}):
                moved[place] = candidate
                if len(moved) == _KICKED:
                    break
        return moved

    def _one(self) -> bool:
        """Gives one shot a better way."""
        better = [
            (self.picks[place].gain - candidate.gain, number, place, candidate)
            for number, (_, _, place, candidate) in enumerate(self._others())
            if candidate.gain > self.picks[place].gain + _HAIR
        ]
        for _, _, place, candidate in sorted(better):
            if self._fits({place: candidate}):
                self._move({place: candidate})
                return True
        return False

    def _two(self) -> bool:
        """Moves two shots, so that both together are better."""
        self.looks -= _COST_OF_PAIRS
        ups, downs = self._ups_and_downs()
        found = []
        for n, (less, _, place, up) in enumerate(ups):
            needed = self.picks[place].gain - up.gain + _HAIR
            for m, (lesser, _, other, down) in enumerate(ups[:n] + downs):
                if place != other and down.gain - self.picks[other].gain > needed:
                    found.append((less + lesser, n, m, {place: up, other: down}))
        for _, _, _, moved in sorted(found, key=itemgetter(0)):
            if self.looks <= 0:
                break
            if self._fits(moved):
                self._move(moved)
                return True
        return False

    def _ups_and_downs(self) -> tuple[list[_Move], list[_Move]]:
        """The moves to a better way, and the others, as many as are paired."""
        ups: list[_Move] = []
        downs: list[_Move] = []
        for move in self._others():
            _, _, place, candidate = move
            (ups if candidate.gain > self.picks[place].gain + _HAIR else downs).append(move)
        return ups[:_UPS], downs[:_DOWNS]

    def _others(self) -> list[_Move]:
        """Every move of one shot, those that lose least first."""
        moves: list[_Move] = []
        for place, (pick, row) in enumerate(zip(self.picks, self._rows, strict=True)):
            now = self._limits.worth(pick)
            moves += [
                (now - worth, len(moves) + n, place, each)
                for n, (worth, each) in enumerate(row)
                if each.stints != pick.stints or each.gain != pick.gain
            ]
        return sorted(moves, key=itemgetter(0))

    def _affordable(self, moved: Mapping[int, Candidate]) -> bool:
        more = sum([candidate.money - self.picks[place].money for place, candidate in moved.items()])
        return more <= 0 or self._money + more <= self._limits.money

    def _fits(self, moved: Mapping[int, Candidate]) -> bool:
        return self._affordable(moved) and self._overrun(moved, self._limits.seconds, 0.0) == 0

    def _overrun(self, moved: Mapping[int, Candidate], aim: float, most: float = inf) -> float:
        self.looks -= 1
        jobs = self._jobs.copy()
        for place, candidate in moved.items():
            jobs[place] = candidate.stints
        return self._clock.overrun(jobs, aim, most)

    def _move(self, moved: Mapping[int, Candidate]) -> None:
        for place, candidate in moved.items():
            self.picks[place] = candidate
            self._jobs[place] = candidate.stints
        self._money = fsum(pick.money for pick in self.picks)
