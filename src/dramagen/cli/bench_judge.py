"""The judge of ``dramagen bench``: which model, at which address, for what price."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from dramagen.bench.filming import Slot
from dramagen.bench.judge import ahead, judge
from dramagen.bench.judge_client import Endpoint
from dramagen.bench.judge_cost import Prices
from dramagen.bench.judging import Judgement
from dramagen.bench.results import Results
from dramagen.bench.suite import Suite
from dramagen.bench.take import Take
from dramagen.cli.consent import Beside
from dramagen.cli.screen import counted, note
from dramagen.money import Money
from dramagen.routing.plan import Plan

KEY = "DRAMAGEN_JUDGE_KEY"
URL = "DRAMAGEN_JUDGE_URL"
UNPRICED = (
    "at a price not known here: --judge-price '0.8/4 CNY' states that of a million tokens sent and received"
)


def _prices(text: str) -> Prices:
    """``0.8/4 CNY``: a million tokens sent, and received."""
    amounts, _, currency = text.strip().partition(" ")
    sent, slash, received = amounts.partition("/")
    try:
        prices = Prices(Money(f"{sent} {currency}"), Money(f"{received if slash else sent} {currency}"))
        if min(prices.sent.amount, prices.received.amount) < 0:
            raise ValueError
        return prices
    except ValueError:
        raise typer.BadParameter("a million tokens sent and received, such as '0.8/4 CNY'") from None


JudgeUrl = Annotated[
    str | None,
    typer.Option(
        "--judge-url",
        envvar=URL,
        show_envvar=True,
        metavar="URL",
        help=f"An OpenAI-compatible address, up to /v1; its key is taken from {KEY}.",
    ),
]
JudgePrice = Annotated[
    Prices | None,
    typer.Option(
        "--judge-price",
        parser=_prices,
        metavar="PRICE",
        help="What a million tokens cost, such as '0.8/4 CNY'.",
    ),
]


@dataclass(frozen=True, slots=True)
class JudgeKey:
    """Whom to ask; the key is shown nowhere."""

    url: str
    model: str
    key: str | None = field(repr=False)
    prices: Prices | None


def asked_judge(model: str | None, url: str | None, prices: Prices | None) -> JudgeKey | None:
    """The judge asked for, if one was. Raises ``BadParameter`` where its address is missing."""
    if model is None:
        return None
    if not url:
        raise typer.BadParameter(f"--judge needs --judge-url, or {URL}")
    return JudgeKey(url, model, os.environ.get(KEY, "").strip() or None, prices)


@dataclass(frozen=True, slots=True)
class JudgeAhead:
    """What is still to be asked of a judge: how many questions, and what they cost at most, where that is known."""

    calls: int
    most: Money | None

    def beside(self, model: str) -> Beside | None:
        """What somebody has to agree to beside the filming, if anything."""
        if not self.calls:
            return None
        return Beside(f"the judge {model}, asked up to {self.calls} questions", self.most, UNPRICED)


def judge_ahead(
    asked: JudgeKey, suite: Suite, listed: Sequence[Slot], plan: Plan, before: Sequence[Take], folder: Path
) -> JudgeAhead:
    """What judging the takes of this run may cost. Reads the pictures the shots are given."""
    known = {take.id: take for take in before if take.clip is not None}
    filmed = [
        known.get(slot.id, Take(slot.id, "clip", clip="to be filmed"))
        for slot, planned in zip(listed, plan.shots, strict=True)
        if planned.held is not None or planned.choice is not None
    ]
    left = ahead(asked.model, suite, filmed, folder)
    return JudgeAhead(left.calls, None if asked.prices is None else left.most(asked.prices))


async def judged(asked: JudgeKey, left: JudgeAhead, results: Results, folder: Path) -> Judgement:
    """Ask, and say what it took."""
    price = UNPRICED if left.most is None else f"at most {left.most}"
    note(
        f"judge {asked.model}: up to {left.calls} questions, {price}"
        if left.calls
        else f"judge {asked.model}: nothing left to ask"
    )
    with counted("questions answered", left.calls) as told:
        async with Endpoint.at(asked.url, asked.model, asked.key) as endpoint:
            found = await judge(
                endpoint, results.suite, results.takes, folder,
                prices=asked.prices, most=left.most, told=told,
            )  # fmt: skip
    cost = f", {found.cost}" if found.cost is not None else ""
    note(
        f"judge {asked.model}: {found.usage.sent} tokens sent, {found.usage.received} received{cost}, in all"
    )
    for take, why in list(found.failures.items())[:3]:
        note(f"judge: {take}: {why}")
    value, on = found.agreement(results.said)
    shown = "not known" if value is None else f"{value:.2f}"
    role = "its verdicts count" if found.decides(results.said) else "it only sorts"
    note(f"judge: kappa with people {shown} on {on} takes; {role}")
    return found
