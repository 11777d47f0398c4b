"""Where a file may be fetched from: never from a private address, unless the user or a local base URL allows it."""

import ipaddress
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import anyio
import anyio.to_thread

from dramagen.errors import InvalidShot, ProviderUnavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Guard:
    """``allowed`` has hosts, addresses and networks (CIDR) that are fine though private; ``"*"`` allows all."""

    allowed: tuple[str, ...] = ()

    def plus(self, *more: str) -> "Guard":
        """The same guard, allowing more."""
        return Guard((*self.allowed, *more))

    async def address(self, host: str, port: int) -> str:
        """The address to connect to. The name is resolved once, here, so that it cannot change meanwhile.

        Raises ``InvalidShot`` where any of the host's addresses is private and not allowed.
        """
        addresses = await _resolve(host, port)
        for address in addresses:
            self._check(host, address)
        return str(addresses[0])

    def check_written(self, host: str) -> None:
        """Check an address that is written out; a name passes. For requests that a proxy resolves and sends.

        Raises ``InvalidShot`` as :meth:`address` does.
        """
        if host == "localhost" or host.endswith(".localhost"):
            self._check(host, ipaddress.IPv4Address("127.0.0.1"))
        with suppress(ValueError):
            self._check(host, ipaddress.ip_address(host.strip("[]")))

    def _check(self, host: str, address: Address) -> None:
        if not self.permits(host, address):
            raise InvalidShot(
                f"{host} is a private address; add it to allow_private if files may be fetched from there"
            )

    def permits(self, host: str, address: Address) -> bool:
        """Whether this address may be talked to."""
        real = _embedded(address) or address
        if real.is_global and not real.is_multicast:
            return True
        return any(_matches(rule, host, real) for rule in self.allowed)


_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _matches(rule: str, host: str, address: Address) -> bool:
    if rule in ("*", host):
        return True
    try:
        return address in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False


async def _resolve(host: str, port: int) -> Sequence[Address]:
    try:
        return [ipaddress.ip_address(host.strip("[]"))]
    except ValueError:
        pass
    try:
        found = await anyio.to_thread.run_sync(
            lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
    except OSError:
        raise ProviderUnavailable(f"the host {host} cannot be found") from None
    return [ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found]


@lru_cache(maxsize=256)
def is_private(host: str) -> bool:
    """Whether a host is a loopback or private address as written (no name is looked up but ``localhost``)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return False
