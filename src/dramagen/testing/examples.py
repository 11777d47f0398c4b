"""The examples a contract is told: orders and their requests, errors, and states of a job, as one vendor has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from httpx import Response

from dramagen.adapters.base import Attempt, State, Usage
from dramagen.catalog.cards import ModelCard
from dramagen.catalog.order import Order
from dramagen.catalog.route import Route
from dramagen.errors import DramagenError
from dramagen.testing.driver import Respond


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One order and the paid request it must become.

    ``body`` is the body, whole, as ``read_body`` gives it. ``accept`` answers every request of ``submit``,
    uploads included; ``id`` is the job id it gives.
    """

    order: Order
    attempt: Attempt
    path: str
    body: Mapping[str, Any]
    accept: Respond
    id: str


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One error answer as the vendor sends it, and the typed error it must become.

    ``also`` holds further attributes the error must have, such as ``{"stage": "input"}``.
    """

    answer: Response
    error: type[DramagenError]
    retryable: bool
    refused: bool
    billed: bool | None = False
    also: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the vendor answers to a poll of the first golden order's job, and what it must be read as."""

    answer: Respond
    state: State
    error: type[DramagenError] | None = None
    billed: bool | None = False
    usage: Usage | None = None
    seed: int | None = None


def plain_order(card: ModelCard, route: Route, mode: str, **changes: Any) -> Order:
    """The plainest order of one of a card's modes: upright, five seconds or the next length, the first resolution.

    Raises ``ValueError`` where the card has no such mode.
    """
    found = card.mode(mode)
    if found is None:
        raise ValueError(f"{route.id} has no mode {mode!r}")
    fields: dict[str, Any] = {
        "route": route,
        "wire": {**card.wire[route.region], **found.wire},
        "mode": mode,
        "prompt": "雨夜，女主推门而入",
        "duration": found.durations.at_least(Decimal(5)),
        "resolution": found.resolutions[0],
        "aspect_ratio": None if mode.startswith("first") else "9:16",
        "audio": found.audio == "always",
    }
    return Order(**(fields | changes))
