"""The examples a contract is told: orders and their requests, errors, and states of a job, as one vendor has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from httpx import Response

from dramagen.adapters.base import Attempt, State, Usage
from dramagen.catalog.order import Order
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
