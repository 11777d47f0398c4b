"""The signature of fal's callbacks: Ed25519 over who, when and what, with keys that are fetched.

Source: fal's page "Webhooks" (fal.ai/docs: model APIs), copies of 2026.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping

from dramagen.adapters import ed25519
from dramagen.adapters.base import Delivery
from dramagen.errors import AuthError

LEEWAY = 300.0
"""Seconds a callback's timestamp may lie from now, before or after."""


def verify(delivery: Delivery, keys: Iterable[str], now: float) -> None:
    """Check a callback against every public key (base64url, as the key set has it). Raises ``AuthError``."""
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    request, user, stamp, given = (
        headers.get(f"x-fal-webhook-{part}", "")
        for part in ("request-id", "user-id", "timestamp", "signature")
    )
    if not (request and user and stamp.isascii() and stamp.isdigit() and len(stamp) < 20):
        raise AuthError("the callback is not signed")
    if abs(int(stamp) - now) > LEEWAY:
        raise AuthError("the callback's signature is too old, or this machine's clock is wrong")
    try:
        signature = bytes.fromhex(given)
    except ValueError:
        raise AuthError("the callback is not signed") from None
    digest = hashlib.sha256(delivery.body).hexdigest()
    message = "\n".join((request, user, stamp, digest)).encode()
    if not any(ed25519.verify(_bytes(key), signature, message) for key in keys):
        raise AuthError("the callback's signature does not match")


def public_keys(body: object) -> Mapping[str, str]:
    """The Ed25519 keys of a key set, by their name or place; what else is in it does not matter."""
    listed = body.get("keys") if isinstance(body, Mapping) else None
    found = {}
    for place, key in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(key, Mapping) and key.get("crv") == "Ed25519" and isinstance(key.get("x"), str):
            name = key.get("kid")
            found[name if isinstance(name, str) and name else str(place)] = key["x"]
    return found


def _bytes(key: str) -> bytes:
    try:
        return base64.b64decode(key + "=" * (-len(key) % 4), altchars="-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
