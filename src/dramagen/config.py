"""Settings a program gives: where things live, keys, currency, limits, budgets. All optional."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from dramagen.errors import ConfigError, DramagenError
from dramagen.money import Money, Rates
from dramagen.record import Record

DEFAULT_RATES = Rates({"CNY": Decimal("7.143")}, date(2026, 10, 8))
"""1 USD in CNY, for comparing and capping only: Kling sells one unit at CNY 1 and at USD 0.14 (price pages
read 2026-10-08). State your own in ``Config(rates=...)`` or ``[rates]`` of ``dramagen.toml``."""


class Setting(Record):
    """A record whose bad values are a :class:`ConfigError`."""

    @classmethod
    def _error(cls, message: str, problems: list[tuple[str, str, str]]) -> DramagenError:
        return ConfigError(message)


Per = Literal["episode", "shot", "day", "route"]


class Budget(Setting):
    """A hard cap. ``per`` is ``episode``, ``shot``, ``day`` (a calendar day, local time) or ``route`` (all that was
    ever ordered on one provider, region and model; each has the whole cap to itself)."""

    limit: Money
    per: Per = "episode"

    def __init__(self, limit: "Money | str", per: Per = "episode") -> None:
        Record.__init__(self, limit=limit, per=per)

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # see Record

    @field_validator("limit")
    @classmethod
    def _positive(cls, value: Money) -> Money:
        if value.amount < 0:
            raise ValueError("a budget is zero or more")
        return value


class Limits(Setting):
    """How fast one key may go; what is left out is as the provider's card has it.

    Attributes:
        concurrency: jobs at once, of each model.
        creates_per_minute: of each model.
        polls_per_second: requests about running jobs, of all models together; a provider's limit only.
        list_per_second: requests for lists of jobs, likewise.
    """

    concurrency: Annotated[int, Field(ge=1)] | None = None
    creates_per_minute: Annotated[int, Field(ge=1)] | None = None
    polls_per_second: Annotated[Decimal, Field(gt=0)] | None = None
    list_per_second: Annotated[Decimal, Field(gt=0)] | None = None


Cause = Literal[
    "input_moderation", "output_moderation", "audio_moderation", "real_face", "capacity", "outage", "defective",
    "failed",
]  # fmt: skip
"""Why a route gave no clip, as far as the next step depends on it."""

Remedy = Literal["without_sound", "again", "other_route"]
"""What may be tried then: without its sound, which the clip lists as an adjustment; the same order once more on the
same route, another generation; the same shot elsewhere."""

HELPFUL: Mapping[Cause, tuple[Remedy, ...]] = {
    "input_moderation": ("other_route",),
    "output_moderation": ("again", "other_route"),
    "audio_moderation": ("without_sound", "other_route"),
    "real_face": ("other_route",),
    "capacity": ("other_route",),
    "outage": ("other_route",),
    "defective": ("again", "other_route"),
    "failed": ("again", "other_route"),
}
"""What can help against each cause, in the order it is tried, however a project lists it."""


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class Routing(Setting):
    """How routes are chosen: ``[routing]`` in ``dramagen.toml``. All optional.

    Attributes:
        allow: pins of which a route must satisfy one: provider, model, or ``provider[:region]/model``.
        deny: pins of which it may satisfy none. Both hold for pinned shots too: a pin they forbid is an error.
        floor: the chance of acceptance a model must be above with nine tenths' certainty.
        min_rating: the arena rating it must be above, by the lower end of its 95 % interval.
        guarantee: the chance of an accepted clip a shot's plan must reach, if takes can reach it: the value of a
            clip is raised until it does. The three bind no pinned shot.
        value: what one accepted clip is worth; left out, some times what a middling model needs for one.
        takes: how many takes of one shot a plan looks ahead.
        review: what it costs that a person looks at one take.
        switch: what it costs in worth that one take of a scene or a chain leaves its model; left out, none does.
        rho: how alike takes of one model on one shot are; left out, the project's own verdicts say.
        remedies: by cause, what may be tried where a route gives no clip; none for ``()``. Left out, another route,
            but nothing after a defective clip, which was paid for. They are tried in the order of :data:`HELPFUL`.
        failures: how many jobs of one take may be paid for in vain before no remedy buys another; 3 by default.
    """

    allow: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    deny: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    floor: Annotated[float, Field(ge=0, lt=1)] | None = None
    min_rating: Annotated[float, Field(allow_inf_nan=False)] | None = None
    guarantee: Annotated[float, Field(gt=0, lt=1)] | None = None
    value: Money | None = None
    takes: Annotated[int, Field(ge=1, le=16)] | None = None
    review: Money | None = None
    switch: Money | None = None
    rho: Annotated[float, Field(ge=0, le=1)] | None = None
    remedies: Mapping[Cause, Annotated[tuple[Remedy, ...], BeforeValidator(_listed)]] = Field(
        default_factory=dict
    )
    failures: Annotated[int, Field(ge=1)] = 3

    @field_validator("remedies")
    @classmethod
    def _fitting(cls, value: Mapping[Cause, tuple[Remedy, ...]]) -> Mapping[Cause, tuple[Remedy, ...]]:
        wrong = [
            (each, cause) for cause, named in value.items() for each in named if each not in HELPFUL[cause]
        ]
        for remedy, cause in wrong:
            against = ", ".join(cause for cause, helpful in HELPFUL.items() if remedy in helpful)
            raise ValueError(f"{remedy} helps against {against} only, not against {cause}")
        return value

    @field_validator("value", "review", "switch")
    @classmethod
    def _positive(cls, value: Money | None) -> Money | None:
        if value is not None and value.amount < 0:
            raise ValueError("it is zero or more")
        return value


def _rates(value: object) -> object:
    if isinstance(value, Mapping):
        stated = value.get("date")
        if not isinstance(stated, date):
            raise ValueError('rates carry the date they were stated: {date = 2026-11-22, CNY = "7.1"}')
        return Rates({k: Decimal(str(v)) for k, v in value.items() if k != "date"}, stated)
    return value


def _place(value: object) -> object:
    if value == "":  # an empty path is the working directory, and nobody means that by it
        raise ValueError("it names no folder")
    return value


def _caps(value: object) -> object:
    """Hard caps as they are given. One alone is a list of one; what is no cap is told how one is written."""
    if isinstance(value, Budget):
        return (value,)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        caps = tuple(value)
        if all(isinstance(cap, Budget) or _has_limit(cap) for cap in caps):
            return caps
    raise ValueError("caps are a list, and each says what it is per: budgets=[Budget('9 CNY', per='day')]")


def _has_limit(value: object) -> bool:
    return isinstance(value, Mapping) and "limit" in value


class Config(Setting):
    """What a program sets itself; everything left out comes from the environment, then ``dramagen.toml``.

    Attributes:
        home: store, cache and journal; one local disk, shared by several processes.
        keys: by provider or ``provider:region``: an API key, or ``{"access_key", "secret_key"}`` (Kling);
            ``"webhook_secret"`` may stand beside either in a mapping.
        regions: the region a provider's key belongs to, such as ``{"kling": "intl"}``.
        base_urls: by provider or ``provider:region``: replaces scheme and host of its API.
        currency: of caps, totals and comparisons.
        rates: dated exchange rates.
        limits: by provider, model, or ``provider/model``: jobs at once, or a :class:`Limits`.
        budgets: hard caps, such as ``[Budget("9 CNY", per="day")]``.
        policy: ``value``, ``cheapest``, ``best``, ``fastest``, or a callable that orders quotes.
        routing: what a policy reckons with, and what it may not choose; a mapping, or a :class:`Routing`.
        allow_private: networks (CIDR) or hosts results and pictures may come from though they are private.
        on_unknown: ``hold`` keeps a create without an answer for a person; ``resend`` sends it again where the
            vendor was asked and knows no such job, at the risk of paying twice.
        callback_url: the public https address ``dramagen.webhooks.app`` answers at, prefix included; vendors that
            can call are then given an address under it. A loopback address may be http, for tests.
        time_scale: how much faster than real time waits pass (for emulators).
        telemetry: ``on`` (where OpenTelemetry is installed), ``prompts`` (spans also carry prompts), or ``off``.
        database: ``postgresql://...`` of a journal that several machines share (extra ``postgres``); by default a
            file in the home. A password is better kept in ``DRAMAGEN_DATABASE``, or where libpq looks for it.
        store: ``s3://bucket/prefix`` or ``file:///folder`` where files are kept for good, shared by several homes
            (extra ``objects``); by default the home alone. Keys come from the environment, as for S3's own tools.
    """

    home: Annotated[Path, BeforeValidator(_place)] | None = None
    keys: Mapping[str, Any] = Field(default_factory=dict, repr=False)
    regions: Mapping[str, str] = Field(default_factory=dict)
    base_urls: Mapping[str, str] = Field(default_factory=dict)
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    rates: Annotated[Rates, BeforeValidator(_rates)] | None = None
    limits: Mapping[str, Annotated[int, Field(ge=1)] | Limits] = Field(default_factory=dict)
    budgets: Annotated[tuple[Budget, ...], BeforeValidator(_caps)] = ()
    policy: str | Callable[..., Any] | None = None
    routing: Routing = Field(default_factory=Routing)
    allow_private: tuple[str, ...] = ()
    on_unknown: Literal["hold", "resend"] | None = None
    callback_url: str | None = None
    time_scale: Annotated[float, Field(gt=0)] | None = None
    telemetry: Literal["on", "prompts", "off"] | None = None
    database: str | None = Field(default=None, repr=False)
    store: str | None = None
