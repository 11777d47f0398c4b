"""Signatures of callbacks after the Standard Webhooks specification (standardwebhooks.com, read 2026-11)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from dramagen.adapters.base import Delivery
from dramagen.errors import AuthError

TOLERANCE = 300.0
"""Seconds a callback's timestamp may lie from now, before or after."""


def verify(delivery: Delivery, secrets: Iterable[str], now: float) -> None:
    """Check a callback against signing secrets (``whsec_…``); one match of any signature and secret is enough.

    Several signatures come while the vendor rotates its secret. Raises ``AuthError`` where none matches or the
    timestamp is more than five minutes from ``now`` (Unix seconds).
    """
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    identity, stamp = headers.get("webhook-id"), headers.get("webhook-timestamp", "")
    if not identity or not (stamp.isascii() and stamp.isdigit() and len(stamp) < 20):
        raise AuthError("the callback is not signed")
    if abs(int(stamp) - now) > TOLERANCE:
        raise AuthError("the callback's signature is too old, or this machine's clock is wrong")
    signed = f"{identity}.{stamp}.".encode() + delivery.body
    given = [
        signature.encode()
        for version, _, signature in (
            part.partition(",") for part in headers.get("webhook-signature", "").split()
        )
        if version == "v1"
    ]
    for secret in secrets:
        wanted = base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest())
        if any(hmac.compare_digest(wanted, signature) for signature in given):
            return
    raise AuthError("the callback's signature does not match")


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise AuthError("the webhook secret is not base64: copy it whole, from whsec_ on") from None
