"""Nobody's money is spent before somebody said yes."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dramagen.cli.exits import Refused
from dramagen.cli.screen import note
from dramagen.episode import Episode
from dramagen.errors import BudgetExceeded
from dramagen.money import Money, total
from dramagen.routing.plan import Plan
from dramagen.studio import Studio


def agree(
    studio: Studio, plan: Plan, *, yes: bool, budget: Money | None, episode: Episode | None = None
) -> None:
    """Show the upper bound and ask, where anything can be paid.

    What is filmed already, previz and the emulator cost nothing, so nothing is asked. Raises
    ``BudgetExceeded`` where the upper bound passes a cap, ``Refused`` where nobody said yes.
    """
    if not plan.most:
        return
    caps = [budget] if budget is not None else []
    if episode is not None and episode.budget is not None and episode.budget.per == "episode":
        caps.append(episode.budget.limit)
    for cap in caps:
        _within(studio, plan, cap, episode)
    if yes or budget is not None or studio.settings.emulator:
        return
    ask(
        f"This may cost up to {plan.most} (expected {plan.expected}). Go on?",
        f"this may cost up to {plan.most} and there is no terminal to ask on: --yes says yes, "
        f"--budget '{plan.most}' caps it; nothing was sent",
    )


def _within(studio: Studio, plan: Plan, cap: Money, episode: Episode | None) -> None:
    """The cap covers what this may cost beside what the episode has cost already."""
    ledger = studio.ledger(episode.title) if episode is not None else None
    committed = total((*ledger.spent, *ledger.reserved)) if ledger is not None else ()
    gone = sum((plan.rates.convert(m, plan.currency).amount for m in committed), Money.zero("CNY").amount)
    if plan.most.amount + gone > plan.rates.convert(cap, plan.currency).amount:
        before = f", {Money(gone, plan.currency)} is spent or reserved already," if gone else ""
        raise BudgetExceeded(
            f"this may cost up to {plan.most}{before} and the budget is {cap}; nothing was sent"
        )


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
        note(f"{planned.shot.name}: no route can film it as things stand (`dramagen plan` says why)")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C while somebody is asked: an event loop's own handler would only note it down for later."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
