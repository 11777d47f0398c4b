"""Nobody's money is spent before somebody said yes."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dramagen.cli.exits import Refused
from dramagen.cli.screen import note
from dramagen.episode import Episode
from dramagen.errors import BudgetExceeded
from dramagen.money import Money, total
from dramagen.routing.plan import Plan
from dramagen.routing.remedies import most_with_remedies
from dramagen.studio import Studio


@dataclass(frozen=True, slots=True)
class Beside:
    """What is paid beside the filming, to somebody else.

    Attributes:
        what: who, for what.
        most: the upper bound; None where it is not known.
        unknown: how to state it.
    """

    what: str
    most: Money | None
    unknown: str

    @property
    def free(self) -> bool:
        """Whether it costs nothing for sure."""
        return self.most is not None and not self.most

    def __str__(self) -> str:
        return (
            f"{self.what}, costs up to {self.most}"
            if self.most is not None
            else f"{self.what}, {self.unknown}"
        )


def agree(
    studio: Studio,
    plan: Plan,
    *,
    yes: bool,
    budget: Money | None,
    episode: Episode | None = None,
    beside: Beside | None = None,
) -> None:
    """Show the upper bound and ask, where anything can be paid.

    What is filmed already, previz and the emulator cost nothing, so nothing is asked. A budget says yes to what it
    covers, and so not to what is paid beside the filming at a price nobody stated. Raises ``BudgetExceeded`` where
    the upper bound passes a cap, ``Refused`` where nobody said yes.
    """
    if beside is not None and beside.free:
        beside = None
    if not plan.most and beside is None:
        return
    more = Money.zero(plan.currency)
    if beside is not None and beside.most is not None:
        more = plan.rates.convert(studio.settings.rated(beside.most), plan.currency)
    if budget is not None:
        _within(studio, plan, budget, episode, more)
    if episode is not None and episode.budget is not None and episode.budget.per == "episode":
        _within(studio, plan, episode.budget.limit, episode)
    if yes or (beside is None and studio.settings.emulator):
        return
    if budget is not None and (beside is None or beside.most is not None):
        return
    most = plan.most + more
    filming = f"up to {plan.most} (expected {plan.expected}){_refused(studio, plan, episode)}"
    cost = f"this may cost {filming}"
    if beside is not None:
        cost = f"filming may cost {'nothing' if studio.settings.emulator else filming}; {beside}"
    cap = "" if beside is not None and beside.most is None else f", --budget '{most}' caps it"
    ask(
        f"{cost[0].upper()}{cost[1:]}. Go on?",
        f"{cost} and there is no terminal to ask on: --yes says yes{cap}; nothing was sent",
    )


def _refused(studio: Studio, plan: Plan, episode: Episode | None) -> str:
    """What it may cost where vendors charge for what they refuse, and it is tried in other ways."""
    routing = studio.settings.routing
    most = most_with_remedies(plan, routing.remedies, routing.failures)
    if episode is not None and episode.budget is not None and episode.budget.per == "episode":
        cap = plan.rates.convert(studio.settings.rated(episode.budget.limit), plan.currency)
        most = min(most, cap)
    return f", up to {most} if refusals are charged and it goes elsewhere" if most > plan.most else ""


def _within(
    studio: Studio, plan: Plan, cap: Money, episode: Episode | None, more: Money | None = None
) -> None:
    """The cap covers what this may cost beside what the episode has cost already."""
    most = plan.most if more is None else plan.most + more
    ledger = studio.ledger(episode.title) if episode is not None else None
    committed = total((*ledger.spent, *ledger.reserved)) if ledger is not None else ()
    gone = sum((plan.rates.convert(m, plan.currency).amount for m in committed), Money.zero("CNY").amount)
    if most.amount + gone > plan.rates.convert(cap, plan.currency).amount:
        before = f", {Money(gone, plan.currency)} is spent or reserved already," if gone else ""
        raise BudgetExceeded(f"this may cost up to {most}{before} and the budget is {cap}; nothing was sent")


def ask(question: str, otherwise: str) -> None:
    """Ask on the terminal. Raises ``Refused`` for a no, and with ``otherwise`` where there is no terminal."""
    if not can_ask():
        raise Refused(otherwise)
    if not answer(question):
        raise Refused("nothing was sent")


def can_ask() -> bool:
    """Whether somebody sits at a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def answer(question: str) -> bool:
    """Yes or no, from the terminal; anything but a yes is a no. Standard output stays free for results."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    with _interruptible():
        return sys.stdin.readline().strip().lower() in ("y", "yes", "是", "好")


def warn_of_the_unfilmable(plan: Plan) -> None:
    """Say which shots have no route, before money goes to the others."""
    for planned in plan.unfilmable:
        why = planned.ended or "no route can film it as things stand (`dramagen plan` says why)"
        note(f"{planned.shot.name}: {why}")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C while somebody is asked: an event loop's own handler would only note it down for later."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
