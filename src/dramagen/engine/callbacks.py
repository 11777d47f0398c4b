"""What vendors say unasked: checked as far as it can be, and taken as no more than a reason to ask."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import anyio
from anyio.lowlevel import RunVar

from dramagen.adapters.base import Adapter, Delivery, Notice, Secret
from dramagen.catalog.access import Access
from dramagen.engine.callback_address import CallbackAddress
from dramagen.engine.clock import Clock
from dramagen.engine.http import Http
from dramagen.engine.service import Services
from dramagen.engine.watch import Watcher
from dramagen.errors import AuthError, DramagenError, ProviderUnavailable

log = logging.getLogger("dramagen.webhooks")

KEPT = 24 * 3600.0
"""Seconds the keys a vendor publishes are kept: as long as fal allows, which is the strictest."""

ASKED_AGAIN = 60.0
"""Seconds before keys are fetched again because a signature did not match, or because they could not be fetched:
a vendor changes its keys now and then, and a forger may not have it asked without end."""


class UnknownPlace(Exception):
    """No such provider or region, or an address that is not this home's."""


@dataclass(slots=True)
class _Keyring:
    """One region's published keys. ``asked`` is when they were last asked for, whether they came or not."""

    keys: Mapping[str, str] | None = None
    fetched: float = -math.inf
    asked: float = -math.inf
    lock: anyio.Lock = field(default_factory=anyio.Lock)


class Callbacks:
    """Hears callbacks for one open studio, in the event loop the studio runs in."""

    def __init__(
        self, services: Services, watcher: Watcher, http: Http, clock: Clock, address: CallbackAddress
    ) -> None:
        self._services = services
        self._watcher = watcher
        self._http = http
        self._clock = clock
        self._address = address
        self._keyrings: dict[tuple[str, str], _Keyring] = {}
        self._here: RunVar[bool] = RunVar("dramagen.callbacks", default=False)
        self._here.set(True)

    async def hear(
        self, provider: str, region: str | None, delivery: Delivery, word: str | None = None
    ) -> Mapping[str, str]:
        """Ask soon about the jobs a callback speaks of, where they are watched here; gives the answer to send.

        Args:
            region: all regions that have a key, where the address named none.
            word: the one in the address that was called, if any. Without it a signature is needed.

        Raises:
            UnknownPlace: no such provider or region, or a wrong word.
            AuthError: nothing shows that the vendor sent it.
            ProviderUnavailable: it cannot be checked now; the vendor should call again.
        """
        if not self._here.get():
            log.error("dramagen.webhooks.app must run in the event loop its studio is open in")
            raise ProviderUnavailable("this is not the studio's event loop", provider=provider)
        if word is not None and not self._address.knows(word):
            raise UnknownPlace
        for access in self._places(provider, region):
            try:
                notice = await self._read(access, delivery)
            except AuthError as refused:
                log.info("a callback for %s:%s was refused: %s", provider, access.region, refused.message)
                continue
            if notice.jobs and word is None and not notice.signed:
                log.info(
                    "%s does not sign its callbacks: have it call the address dramagen.webhooks.address gives",
                    provider,
                )
                continue
            known = [self._watcher.wake(job, provider, region) for job in notice.jobs]
            log.debug("%s called about %d jobs, %d of them watched here", provider, len(known), sum(known))
            return notice.answer
        raise AuthError("nothing shows that the vendor sent this", provider=provider)

    def _places(self, provider: str, region: str | None) -> Sequence[Access]:
        if provider not in self._services.catalog.providers():
            raise UnknownPlace
        regions = self._services.access(provider)
        if region is None:
            return [access for access in regions.values() if access.keyed]
        if region not in regions:
            raise UnknownPlace
        return [regions[region]]

    async def _read(self, access: Access, delivery: Delivery) -> Notice:
        adapter = self._services.adapter(access.provider)
        keys = await self._keys(adapter, access, KEPT)
        try:
            return self._checked(adapter, access, delivery, keys)
        except AuthError:
            newer = await self._keys(adapter, access, ASKED_AGAIN)
            if newer == keys:
                raise
            return self._checked(adapter, access, delivery, newer)

    def _checked(
        self, adapter: Adapter, access: Access, delivery: Delivery, keys: Mapping[str, str]
    ) -> Notice:
        """What the callback says. Raises ``AuthError``."""
        secret, now = access.secret or Secret(), self._clock.now()
        refused = AuthError("the callback was not read")
        for target in self._targets(access, delivery):
            try:
                return adapter.receive(replace(delivery, target=target), keys, secret, now)
            except AuthError as error:
                refused = error
            except Exception as bug:
                # Called again it would trip again; the job is looked at all the same when its time comes.
                log.error("a callback of %s was not understood (%s)", access.provider, type(bug).__name__)
                return Notice()
        raise refused

    def _targets(self, access: Access, delivery: Delivery) -> list[str]:
        """Where the vendor may have thought it called: what arrived here, and, where a proxy took a prefix off on
        the way, what the vendor was told."""
        told = self._address.url(access.provider, access.region)
        return list(dict.fromkeys((delivery.target, *([urlsplit(told).path] if told else ()))))

    async def _keys(self, adapter: Adapter, access: Access, at_most: float) -> Mapping[str, str]:
        """The keys the vendor publishes, no older than ``at_most`` seconds. Raises ``ProviderUnavailable``."""
        keyring = self._keyrings.setdefault((access.provider, access.region), _Keyring())
        async with keyring.lock:
            now = self._clock.monotonic()
            age = now - keyring.fetched
            kept = keyring.keys if age < KEPT else None
            if kept is not None and age < at_most:
                return kept
            if now - keyring.asked >= ASKED_AGAIN:
                keyring.asked = now
                try:
                    kept = await self._http.run(adapter.keys(), adapter, access)
                except DramagenError as error:
                    # Also where our own key is refused: that says nothing of who called.
                    log.warning("the keys %s signs callbacks with: %s", access.provider, error.message)
                else:
                    keyring.keys, keyring.fetched = kept, now
            if kept is None:
                raise ProviderUnavailable("the keys it signs with could not be had", provider=access.provider)
            return kept
