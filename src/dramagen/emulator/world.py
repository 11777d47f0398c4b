"""Everything one running emulator holds, and what a vendor's file must offer."""

import hashlib
import itertools
import json
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from importlib import import_module
from typing import Any, Protocol, cast

from pydantic import BaseModel
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from dramagen.emulator.callbacks import Outbox, Send
from dramagen.emulator.clock import Clock
from dramagen.emulator.faults import Faults
from dramagen.emulator.state import Account, Job, charge

Settings = Mapping[str, Mapping[str, Any]]
"""Provider -> option -> value; each vendor's options are the fields of its ``settings`` model."""

VENDORS = {
    "seedance": "dramagen.emulator.seedance",
    "kling": "dramagen.emulator.kling",
    "wan": "dramagen.emulator.wan",
    "sora": "dramagen.emulator.sora",
    "selfhosted": "dramagen.emulator.sora.selfhosted",
    "hailuo": "dramagen.emulator.hailuo",
    "vidu": "dramagen.emulator.vidu",
    "fal": "dramagen.emulator.fal",
    "replicate": "dramagen.emulator.replicate",
}
"""Every emulated provider and the module whose ``VENDOR`` speaks its protocol."""


_REQUESTS_KEPT = 10_000


class Vendor(Protocol):
    """One vendor's protocol."""

    name: str
    regions: Mapping[str, str]
    """Region -> currency; the first is the default and is served without ``@``."""
    settings: type[BaseModel]
    endpoints: Sequence["Endpoint"]

    def failure(self, call: "Call", status: int, code: str | int | None) -> Response:
        """The vendor's error answer of a status, for a fault on demand."""

    def lost(self, call: "Call", *, path_exists: bool) -> Response:
        """The answer to an unknown path, or to a known one with the wrong method."""

    def gone(self, call: "Call", job: Job) -> bool:
        """Whether the files of a job are no longer served."""

    def file_refused(self, call: "Call", *, expired: bool) -> Response:
        """The object store's answer to an expired or a wrongly signed file URL."""


Handler = Callable[["Call"], Awaitable[Response]]


@dataclass(frozen=True)
class Endpoint:
    """One route: ``on`` names the operation for faults, or tells it from the call."""

    method: str
    path: str
    handle: Handler
    on: str | Callable[["Call"], str]


@dataclass(eq=False)
class World:
    """The state behind one application."""

    clock: Clock
    settings: Settings = field(default_factory=dict)
    send: Send | None = None

    def __post_init__(self) -> None:
        self.vendors = {name: cast(Vendor, import_module(path).VENDOR) for name, path in VENDORS.items()}
        unknown = set(self.settings) - set(self.vendors)
        if unknown:
            raise ValueError(
                f"settings for unknown providers {sorted(unknown)}; known: {sorted(self.vendors)}"
            )
        self.options = {
            name: vendor.settings.model_validate(self.settings.get(name, {}))
            for name, vendor in self.vendors.items()
        }
        self.routes = {
            name: [(compile_path(endpoint.path)[0], endpoint) for endpoint in vendor.endpoints]
            for name, vendor in self.vendors.items()
        }
        self.accounts: dict[tuple[str, str, str], Account] = {}
        self.faults = Faults()
        self.outbox = Outbox(self.clock, self.send)
        self.requests: deque[dict[str, Any]] = deque(maxlen=_REQUESTS_KEPT)
        self.serial = itertools.count(1)
        self.secret = secrets.token_bytes(32)

    def change(self, settings: Settings) -> None:
        """Change some options of some providers; raises ``ValueError`` naming what is wrong."""
        for name, values in settings.items():
            if name not in self.vendors:
                raise ValueError(f"unknown provider {name!r}; known: {sorted(self.vendors)}")
            merged = {**self.options[name].model_dump(), **values}
            self.options[name] = self.vendors[name].settings.model_validate(merged)

    def reset(self) -> None:
        """Forget every job, account, request, fault and change of settings."""
        self.accounts.clear()
        self.faults.clear()
        self.outbox.clear()
        self.requests.clear()
        self.options = {
            name: vendor.settings.model_validate(self.settings.get(name, {}))
            for name, vendor in self.vendors.items()
        }

    def account(self, provider: str, region: str, key: str) -> Account:
        """The account of a key, opened on first use; the key itself is not kept."""
        owner = hashlib.sha256(key.encode()).hexdigest()
        currency = self.vendors[provider].regions[region]
        return self.accounts.setdefault((provider, region, owner), Account(provider, region, currency))

    def bill(self) -> list[dict[str, Any]]:
        """Every job accepted, oldest first, with what it is charged."""
        now = self.clock.now()
        rows = []
        for account in self.accounts.values():
            account.advance(now)
            rows += [self._row(account, job, now) for job in account.jobs.values()]
        return sorted(rows, key=lambda row: row["created"])

    def _row(self, account: Account, job: Job, now: float) -> dict[str, Any]:
        return {
            "provider": account.provider,
            "region": account.region,
            "model": job.model,
            "id": job.id,
            "tag": job.tag,
            "state": job.state(now),
            "amount": plain(charge(job, now)),
            "currency": account.currency,
            "created": self.clock.stamp(job.created),
        }


@dataclass(eq=False)
class Call:
    """One request to a vendor, and the world it meets."""

    world: World
    vendor: Vendor
    region: str
    request: Request
    body: bytes
    params: Mapping[str, str] = field(default_factory=dict)
    never: bool = False
    """The job made or looked at by this call must never end."""

    @cached_property
    def now(self) -> float:
        return self.world.clock.now()

    def stamp(self, moment: float) -> float:
        return self.world.clock.stamp(moment)

    @cached_property
    def request_id(self) -> str:
        return secrets.token_hex(19)

    @property
    def query(self) -> QueryParams:
        return self.request.query_params

    @property
    def options(self) -> Any:
        return self.world.options[self.vendor.name]

    @property
    def bearer(self) -> str:
        """The token of the Authorization header, empty where there is none."""
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def prefix(self) -> str:
        """The path under which this provider and region is served."""
        default = next(iter(self.vendor.regions))
        return f"/{self.vendor.name}" + ("" if self.region == default else f"@{self.region}")

    def json(self) -> Any:
        """The body as JSON; raises ``ValueError`` where it is none."""
        return json.loads(self.body)

    def account(self, key: str) -> Account:
        account = self.world.account(self.vendor.name, self.region, key)
        account.advance(self.now)
        return account


def plain(amount: Decimal) -> str:
    """A decimal without exponent and trailing zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
