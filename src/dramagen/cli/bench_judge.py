"""The judge of ``dramagen bench``: which model, at which address, for what price."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from dramagen.bench.judge import Prices, calls, judge
from dramagen.bench.judge_client import Endpoint
from dramagen.bench.judging import Judgement
from dramagen.bench.results import Results
from dramagen.cli.screen import note
from dramagen.money import Money

KEY = "DRAMAGEN_JUDGE_KEY"
URL = "DRAMAGEN_JUDGE_URL"


def _prices(text: str) -> Prices:
    """``0.8/4 CNY``: a million tokens sent, and received."""
    amounts, _, currency = text.strip().partition(" ")
    sent, slash, received = amounts.partition("/")
    try:
        return Prices(Money(f"{sent} {currency}"), Money(f"{received if slash else sent} {currency}"))
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


async def judged(asked: JudgeKey, results: Results, folder: Path) -> Judgement:
    """Ask, and say what it took."""
    note(f"judge {asked.model}: up to {calls(results.takes)} questions")
    async with Endpoint.at(asked.url, asked.model, asked.key) as endpoint:
        found = await judge(endpoint, results.suite, results.takes, folder, prices=asked.prices)
    cost = f", {found.cost}" if found.cost is not None else ""
    note(f"judge {asked.model}: {found.usage.sent} tokens sent, {found.usage.received} received{cost}")
    for take, why in list(found.failures.items())[:3]:
        note(f"judge: {take}: {why}")
    value, on = found.agreement(results.said)
    shown = "not known" if value is None else f"{value:.2f}"
    role = "its verdicts count" if found.decides(results.said) else "it only sorts"
    note(f"judge: kappa with people {shown} on {on} takes; {role}")
    return found
