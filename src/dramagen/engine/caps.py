"""Hard caps on money: what is spent, reserved or unknown counts, and what does not fit is not sent."""

from collections.abc import Callable
from datetime import datetime, time
from decimal import Decimal

from dramagen.config import Budget
from dramagen.engine.database import Row, Transaction
from dramagen.engine.jobs import Intent
from dramagen.engine.state import RESERVED, JobState
from dramagen.errors import BudgetExceeded, ConfigError
from dramagen.money import Money, Rates

HELD = RESERVED | {JobState.UNKNOWN}
"""Jobs that may yet cost what was reserved for them."""


class Caps:
    """Budgets in one currency, at the stated exchange rates. Runs inside the caller's transaction."""

    def __init__(self, rates: Rates, now: Callable[[], float]) -> None:
        self._rates = rates
        self._now = now

    def rate(self, source: str, target: str) -> Decimal:
        """Units of ``target`` for one of ``source``. Raises ``ConfigError`` where none is stated."""
        try:
            return self._rates.rate(source, target)
        except ValueError as problem:
            raise ConfigError(f"{problem}: state it in Config(rates=...)") from None

    def check(self, tx: Transaction, intent: Intent, amount: Decimal) -> None:
        """Raise ``BudgetExceeded`` where ``amount``, in the cap's currency, no longer fits a budget."""
        for budget in intent.budgets:
            limit = budget.limit.amount * self.rate(budget.limit.currency, intent.cap_currency)
            used = held = Decimal()
            for row in self._under(tx, budget, intent):
                claim = row["jobs"] * self._claim(row) * self.rate(row["cap_currency"], intent.cap_currency)
                used += claim
                held += claim if JobState(row["state"]) in HELD else 0
            if used + amount > limit:
                cap, left, most, open_ = (
                    Money(max(Decimal(), figure), intent.cap_currency)
                    for figure in (limit, limit - used, amount, held)
                )
                raise BudgetExceeded(
                    f"the budget {_of(budget, intent)} is {cap}; {left} is left and this take may cost {most}. "
                    f"Nothing was sent{_held(open_)}",
                    provider=intent.quote.route.provider,
                    model=intent.quote.route.model,
                )

    def _claim(self, row: Row) -> Decimal:
        """What each of some like jobs takes of a cap, in the cap's currency, at the rate written down with it."""
        state = JobState(row["state"])
        if state in HELD:
            return Decimal(row["reserved"]) * Decimal(row["rate"])
        if row["cost"] is None:  # also of a job that was never made: a person may have found it on the bill
            return Decimal()
        if row["cost_currency"] != row["currency"]:  # billed in another currency than it was quoted in
            return Decimal(row["cost"]) * self.rate(row["cost_currency"], row["cap_currency"])
        return Decimal(row["cost"]) * Decimal(row["rate"])

    def _under(self, tx: Transaction, budget: Budget, intent: Intent) -> list[Row]:
        """The money of every job that counts; jobs with the same figures are one row."""
        if budget.per == "shot":
            return _money(tx, "shot_hash = ?", intent.shot_hash)
        if budget.per == "route":
            return _money(tx, "route = ?", intent.quote.route.id)
        if budget.per == "day":
            return _money(tx, "created >= ?", midnight(self._now()))
        if intent.episode is None:
            return _money(tx, "episode IS NULL AND owner = ?", intent.owner)
        return _money(tx, "episode = ?", intent.episode)


def midnight(now: float) -> float:
    """When this machine's day began, Unix seconds; by the offset of that moment, which need not be today's."""
    day = datetime.fromtimestamp(now).astimezone().date()
    return datetime.combine(day, time.min).astimezone().timestamp()


_FIGURES = "state, reserved, currency, cap_currency, rate, cost, cost_currency"


def _money(tx: Transaction, which: str, value: object) -> list[Row]:
    return tx.rows(
        f"SELECT {_FIGURES}, COUNT(*) AS jobs FROM jobs WHERE {which} GROUP BY {_FIGURES}",  # noqa: S608 - only columns
        (value,),
    )


def _of(budget: Budget, intent: Intent) -> str:
    return f"of route {intent.quote.route.id}" if budget.per == "route" else f"per {budget.per}"


def _held(money: Money) -> str:
    """What to do about money that is only held, where there is such."""
    if not money:
        return ""
    return (
        f". {money} is held for jobs that are not over: 'dramagen jobs --open' lists them, and 'dramagen jobs "
        "resume' ends those a dead process left"
    )
