"""Signed callbacks: HMAC over where and when, not over the body.

Source: Vidu's page "callback signature" as public implementations follow it, up to 2026-11-22.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from email.utils import formatdate
from urllib.parse import urlsplit

ACCESS = "vidu"


def signature(secret: str, url: str, date: str, signed: Sequence[tuple[str, str]]) -> str:
    """The signature of a POST to ``url``; ``signed`` are header names and values, in their order."""
    parts = urlsplit(url)
    query = "&".join(sorted(parts.query.split("&"))) if parts.query else ""
    text = f"POST\n{parts.path or '/'}\n{query}\n{ACCESS}\n{date}\n"
    text += "".join(f"{name}:{value}\n" for name, value in signed)
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def headers(secret: str, url: str, stamp: float, nonce: str, names: str) -> dict[str, str]:
    """All headers of a callback; ``names`` are the signed ones, joined by ``;``."""
    date = formatdate(stamp, usegmt=True)
    values = {"Date": date, "x-request-nonce": nonce}
    return {
        "Date": date,
        "x-request-nonce": nonce,
        "X-HMAC-ALGORITHM": "hmac-sha256",
        "X-HMAC-ACCESS-KEY": ACCESS,
        "X-HMAC-SIGNED-HEADERS": names,
        "X-HMAC-SIGNATURE": signature(secret, url, date, [(name, values[name]) for name in names.split(";")]),
    }
