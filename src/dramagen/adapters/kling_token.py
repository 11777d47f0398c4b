"""The token of a Kling access and secret key pair, from before Kling had API keys."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

LIFE = 1800
"""Seconds a token is good for, as in Kling's own sample (page "Authentication", read 2026-09)."""


def token(access: str, secret: str, now: int) -> str:
    """A JWT signed with HS256 at ``now`` (Unix seconds). The claims are Kling's three: it names no ``iat``."""
    claims: dict[str, str | int] = {"iss": access, "exp": now + LIFE, "nbf": now - 5}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{signed}.{_base64url(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


def _part(content: Mapping[str, str | int]) -> str:
    return _base64url(json.dumps(content, separators=(",", ":")).encode())


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
