"""Who calls: an API key, or a JWT made of an access and a secret key (HS256).

Source: Kling "authentication" page, as read up to 2026-11-22.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from dramagen.emulator.kling.errors import Refusal
from dramagen.emulator.state import Account
from dramagen.emulator.world import Call


def account(call: Call, *, modern: bool) -> Account:
    """The caller's account; raises ``Refusal``. ``modern`` routes may turn JWTs away."""
    if not call.request.headers.get("authorization"):
        raise Refusal(1001)
    token = call.bearer
    if not token or token.startswith("bad"):
        raise Refusal(1002)
    if token.count(".") != 2:
        return call.account(token)
    if modern and call.options.jwt_on_new == "reject":
        raise Refusal(1002)
    return call.account(f"jwt:{_issuer(token, call.options.secrets, call.stamp(call.now))}")


def _issuer(token: str, secrets: Mapping[str, str], now: float) -> str:
    """The access key of a valid JWT. Its times are compared with the time clients see."""
    signed, _, signature = token.rpartition(".")
    header, payload = (_decoded(part) for part in signed.split("."))
    issuer = payload.get("iss")
    if header.get("alg") != "HS256" or not isinstance(issuer, str) or issuer not in secrets:
        raise Refusal(1002)
    expected = hmac.new(secrets[issuer].encode(), signed.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(
        base64.urlsafe_b64encode(expected).rstrip(b"="), signature.rstrip("=").encode()
    ):
        raise Refusal(1002)
    not_before, expires = payload.get("nbf", now), payload.get("exp")
    if not isinstance(not_before, int | float) or not isinstance(expires, int | float):
        raise Refusal(1002)
    if not_before > now:
        raise Refusal(1003)
    if expires <= now:
        raise Refusal(1004)
    return issuer


def _decoded(part: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error):
        raise Refusal(1002) from None
    if not isinstance(value, dict):
        raise Refusal(1002)
    return value
