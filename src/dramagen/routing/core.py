"""The exact end of the knapsack: which of the shots on the edge should take another option.

At the price of worth found first, every option has a loss: how much less ``worth - price x cost`` it has than its
shot's pick. A choice for all shots falls short of the upper bound by exactly its losses plus what its unspent money
would have bought. So an option whose loss alone is more than the best choice so far falls short by can be in no
better choice; in an ordinary episode that leaves a handful of shots, and those are searched completely (the "core" of
Pisinger, European Journal of Operational Research 83, 1995).
"""

import math
from typing import NamedTuple

MOST = 60_000
"""States looked at before the search is cut short: about a tenth of a second."""

HAIR = 1e-12
"""Differences below this part of the bound are rounding."""


class Choice(NamedTuple):
    """One way to film a shot, or (option None) leaving it out."""

    cost: float
    worth: float
    option: int | None


class _Swap(NamedTuple):
    """Another choice for a shot: what is lost by it, and what it costs more than the pick."""

    loss: float
    cost: float
    choice: Choice


class _Trail(NamedTuple):
    """The swaps that led to a state, newest first."""

    shot: int
    choice: Choice
    before: "_Trail | None"


class _State(NamedTuple):
    cost: float
    loss: float
    trail: _Trail | None


def improved(
    rows: list[list[Choice]], picks: list[Choice], filled: list[Choice], price: float, budget: float
) -> tuple[list[Choice], bool]:
    """The best choices there are, and whether that is certain; never worse than ``filled``.

    ``picks`` has each shot's best choice at ``price``; it and ``filled`` cost no more than ``budget``.
    """

    def loss(pick: Choice, other: Choice) -> float:
        return max(0.0, (pick.worth - other.worth) - price * (pick.cost - other.cost))

    spent = math.fsum(pick.cost for pick in picks)
    hair = HAIR * (math.fsum(pick.worth for pick in picks) + price * budget)
    least = math.fsum(map(loss, picks, filled)) + price * (budget - math.fsum(c.cost for c in filled))
    core = []
    for shot, (row, pick) in enumerate(zip(rows, picks, strict=True)):
        swaps = [
            _Swap(loss(pick, other), other.cost - pick.cost, other) for other in row if other is not pick
        ]
        if swaps := [swap for swap in swaps if swap.loss < least - hair]:
            core.append((min(swaps).loss, shot, swaps))
    core.sort(key=lambda each: each[:2])
    saved, added = _ranges([swaps for _, _, swaps in core])

    states = [_State(spent, 0.0, None)]
    best: _Trail | None = None
    beaten = price * (budget - spent) < least
    least = min(least, price * (budget - spent))
    looked = 0
    for number, (_, shot, swaps) in enumerate(core):
        looked += len(states) * (1 + len(swaps))
        if looked > MOST:
            return (_followed(picks, best) if beaten else filled), False
        grown = states + [
            _State(state.cost + swap.cost, state.loss + swap.loss, _Trail(shot, swap.choice, state.trail))
            for state in states
            for swap in swaps
            if state.loss + swap.loss < least - hair
        ]
        grown.sort(key=lambda state: (state.cost, state.loss))
        states, most = [], -math.inf
        for state in grown:
            if state.cost + saved[number + 1] > budget:
                break  # nothing that follows saves enough, and the rest cost more still
            if price * state.cost - state.loss <= most:
                continue  # another costs no more and is worth as much
            most = price * state.cost - state.loss
            unspent = max(0.0, budget - state.cost - added[number + 1])
            if state.loss + price * unspent >= least - hair:
                continue
            states.append(state)
            short = state.loss + price * (budget - state.cost)
            if state.cost <= budget and short < least - hair:
                least, best, beaten = short, state.trail, True
    return (_followed(picks, best) if beaten else filled), True


def _ranges(core: list[list[_Swap]]) -> tuple[list[float], list[float]]:
    """From each place to the end of the core: the most that can be saved (at most zero), and the most added."""
    saved, added = [0.0], [0.0]
    for swaps in reversed(core):
        saved.append(saved[-1] + min(0.0, *(swap.cost for swap in swaps)))
        added.append(added[-1] + max(0.0, *(swap.cost for swap in swaps)))
    return saved[::-1], added[::-1]


def _followed(picks: list[Choice], trail: _Trail | None) -> list[Choice]:
    chosen = list(picks)
    while trail is not None:
        chosen[trail.shot] = trail.choice
        trail = trail.before
    return chosen
