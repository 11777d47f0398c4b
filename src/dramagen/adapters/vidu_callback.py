"""The signature of Vidu's callbacks: HMAC over where they were posted and when, not over their body.

Source: Vidu's page "Callback signature" (platform.vidu.com docs) as four public implementations follow it, read
2026-11-22. The secret is the API key that made the job.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime

from dramagen.adapters.base import Delivery
from dramagen.errors import AuthError

TOLERANCE = 300.0
"""Seconds a callback's date may lie from now, before or after."""


def verify(delivery: Delivery, secrets: Iterable[str], now: float) -> None:
    """Check a callback; one match of any secret is enough. Raises ``AuthError``.

    A proxy in front of the receiver must leave path and query as they came.
    """
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    if headers.get("x-hmac-algorithm", "").lower() != "hmac-sha256" or not headers.get("x-hmac-signature"):
        raise AuthError("the callback is not signed")
    if abs(_moment(headers.get("date", "")) - now) > TOLERANCE:
        raise AuthError("the callback's signature is too old, or this machine's clock is wrong")
    path, _, query = delivery.target.partition("?")
    # Readers of the page differ: most sign the query as it stands, one sorts it.
    texts = [_signed(headers, path, each) for each in {query, "&".join(sorted(query.split("&")))}]
    given = headers["x-hmac-signature"].encode()
    for secret in secrets:
        for text in texts:
            wanted = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())
            if hmac.compare_digest(wanted, given):
                return
    raise AuthError("the callback's signature does not match")


def _signed(headers: Mapping[str, str], path: str, query: str) -> str:
    names = [name for name in headers.get("x-hmac-signed-headers", "").split(";") if name]
    lines = ["POST", path, query, headers.get("x-hmac-access-key", ""), headers.get("date", "")]
    lines += [f"{name}:{headers.get(name.lower(), '')}" for name in names]
    return "\n".join(lines) + "\n"


def _moment(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        raise AuthError("the callback's date cannot be read") from None
