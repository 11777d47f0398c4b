"""What a card may say: the schema of the TOML files in ``providers/``.

A key nobody knows is refused, so a misspelt limit is never a missing limit. What is not known is absent.
Every group names its ``source`` (the vendor's page) and the day it was ``checked``; ``note`` marks what is
inferred or unverified.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from dramagen.catalog.modes import MediaLimits, Mode, Positive, Wire
from dramagen.catalog.order import Mode as ModeName
from dramagen.catalog.price_rows import Latency, Price, TokenFormula, When
from dramagen.catalog.sourced import Sourced, strings
from dramagen.money import Money


class Region(Sourced):
    """One host, key and currency of a provider.

    Attributes:
        base_url: scheme and host only; empty where everybody has their own.
        base_path: what every path of the vendor starts with (``/api/v3``), or empty.
        currency: what this region bills in.
        console: the vendor's page where people make keys and see what is left.
        key_env, access_env, secret_env, webhook_env: names of environment variables.
        unit: what one of the vendor's own accounting units costs here, where it bills in such units.
        keyless: requests are taken without a key (one's own server).
        workspace_env: the environment variable that names the account's workspace, which fills ``{workspace}``
            in an address. A ``base_url`` that needs one has no address without it.
        workspace_url: the address used in place of ``base_url`` where the workspace is named.
        hosts: further addresses of the vendor, by the name requests call them; all of them are ``base_url`` where
            that is somebody's own.
    """

    base_url: str = ""
    base_path: str = ""
    currency: str
    console: str | None = None
    key_env: str | None = None
    access_env: str | None = None
    secret_env: str | None = None
    webhook_env: str | None = None
    unit: Money | None = None
    keyless: bool = False
    workspace_env: str | None = None
    workspace_url: str | None = None
    hosts: dict[str, str] = Field(default_factory=dict)


class Limits(Sourced):
    """How fast one account may go: jobs at once per model, and calls per second."""

    concurrency: Positive | None = None
    creates_per_minute: Positive | None = None
    polls_per_second: Decimal | None = None
    list_per_second: Decimal | None = None


class Result(Sourced):
    """How long the vendor keeps things, in seconds: a result's URL, and the record of a job."""

    url_life: Positive | None = None
    retention: Positive | None = None


class Find(Sourced):
    """Whether a create whose answer was lost can be looked up.

    Attributes:
        findable: the vendor can be asked at all.
        tag: ``unique``: the vendor documents our tag as unique and queryable, so a miss permits the same create
            again; ``echoed``: it comes back on the job but promises nothing; ``none``.
        patience: seconds to keep looking before a miss is believed.
    """

    findable: bool
    tag: Literal["unique", "echoed", "none"] = "none"
    patience: Annotated[float, Field(ge=60)] = 60.0


class Watch(Sourced):
    """When to ask about a running job, in seconds after its create, and when to give up asking."""

    first_poll: Annotated[float, Field(ge=0)] = 10.0
    interval: Annotated[float, Field(gt=0)] = 5.0
    interval_max: Annotated[float, Field(gt=0)] = 30.0
    deadline: Annotated[float, Field(gt=0)] = 3600.0


class ProviderCard(Sourced):
    """Who is called and paid.

    Attributes:
        title: what people call it; its name where that is left out.
        also: further names it goes by, in any script: a pin that is one of them is told the right one.
        adapter: the wire protocol it speaks.
        default_region: the first of ``regions`` where it is left out.
        region_env: the environment variable that chooses the region, where there is one.
        local: nothing leaves this machine and nothing is paid (previz).
        reserved: vendor fields an order decides, which ``Shot(options=...)`` therefore may not set.
        discount: the part taken off every list price, 0.2 for 20 %; users state theirs.
    """

    name: str
    title: str
    also: tuple[str, ...] = ()
    adapter: str
    homepage: str | None = None
    docs: tuple[str, ...] = ()
    default_region: str
    region_env: str | None = None
    local: bool = False
    regions: Annotated[dict[str, Region], Field(min_length=1)]
    limits: Limits = Field(default_factory=Limits)
    result: Result = Field(default_factory=Result)
    find: Find = Field(default_factory=lambda: Find(findable=False))
    watch: Watch = Field(default_factory=Watch)
    reserved: tuple[str, ...] = ()
    discount: Annotated[Decimal, Field(ge=0, lt=1)] = Decimal(0)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        regions = value.get("regions")
        first = next(iter(regions), None) if isinstance(regions, Mapping) else None
        named = {"title": value.get("name")} | ({"default_region": first} if first else {})
        return named | dict(value)

    @model_validator(mode="after")
    def _default_exists(self) -> "ProviderCard":
        if self.default_region not in self.regions:
            raise ValueError(f"default_region is one of {', '.join(sorted(self.regions))}")
        return self


class Quality(Sourced):
    """How people judged the model: a rating on one board, with half its 95 % interval, on a date."""

    board: str
    modes: tuple[ModeName, ...]
    rating: float
    interval: float | None = None
    votes: int | None = None
    date: date


def _by_region(value: object) -> object:
    return {"*": value} if isinstance(value, date) else value


Retired = Annotated[dict[str, date], BeforeValidator(_by_region)]


class ModelCard(Sourced):
    """What a model can do, what it costs, how good it is, until when.

    Attributes:
        id: the name it is pinned by.
        released: the day it could first be called.
        retired: the day it stops, by region (``*`` is every region).
        instead: models to use in its place.
        wire: by region, the vendor's model id and whatever else the adapter needs; a region without an entry
            does not serve the model.
        modes: the ways of filming (``[[mode]]`` in the file; ``[all_modes]`` holds what they share). Only the
            card of a retired model may have none.
        limits, find, watch: this model's, where they differ from its provider's.
    """

    id: str
    family: str
    title: str
    released: date | None = None
    retired: Retired = Field(default_factory=dict)
    instead: Annotated[tuple[str, ...], BeforeValidator(strings)] = ()
    wire: Annotated[dict[str, Wire], Field(min_length=1)]
    modes: Annotated[tuple[Mode, ...], Field(alias="mode")] = ()
    media: MediaLimits = Field(default_factory=MediaLimits)
    limits: Limits | None = None
    find: Find | None = None
    watch: Watch | None = None
    prices: Annotated[tuple[Price, ...], Field(alias="price")] = ()
    tokens: TokenFormula | None = None
    discount: Annotated[Decimal | None, Field(ge=0, lt=1)] = None
    latency: tuple[Latency, ...] = ()
    quality: tuple[Quality, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _share(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and "all_modes" in value:
            shared = value["all_modes"]
            own = [{**shared, **mode} for mode in value.get("mode", ())]
            value = {k: v for k, v in value.items() if k != "all_modes"} | {"mode": own}
        return value

    @model_validator(mode="after")
    def _coherent(self) -> "ModelCard":
        names = [mode.name for mode in self.modes]
        if not names and not self.retired:
            raise ValueError("a living model has at least one [[mode]]")
        if len(set(names)) != len(names):
            raise ValueError("each mode is listed once")
        if self.tokens is None and any(row.per == "million_tokens" for row in self.prices):
            raise ValueError("a price per million tokens needs the [tokens] formula")
        if any(row.per == "compute_second" for row in self.prices) and not self._timed():
            raise ValueError(
                "a price per second of compute needs [[latency]] rows with p50 and p90, the last for every order"
            )
        return self

    def _timed(self) -> bool:
        """Whether it is stated for every order how long a job takes, and how long at most."""
        last = self.latency[-1] if self.latency else None
        return last is not None and last.when == When() and all(row.p90 is not None for row in self.latency)

    def mode(self, name: str) -> Mode | None:
        """The mode of that name, if the model has it."""
        for mode in self.modes:  # a plan asks hundreds of times
            if mode.name == name:
                return mode
        return None

    def retires(self, region: str) -> date | None:
        """The day this region stops serving the model, if one is known."""
        return self.retired.get(region, self.retired.get("*"))
