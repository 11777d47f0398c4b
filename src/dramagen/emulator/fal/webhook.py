"""Signed webhooks and the keys they are signed with, published as a JSON Web Key Set.

Source: fal's page "Webhooks", as read up to 2026-11-22.
"""

import base64
import hashlib
from typing import Any

from dramagen.emulator.fal import ed25519
from dramagen.emulator.world import World

USER = "user_emulated"
_KEYS = ("first", "second")


def key_set(world: World) -> dict[str, Any]:
    """Two keys, of which the second signs: whoever checks has to try them all."""
    return {"keys": [_published(ed25519.public_key(_secret(world, name)), name) for name in _KEYS]}


def _published(public: bytes, name: str) -> dict[str, str]:
    x = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": name, "x": x}


def _secret(world: World, name: str) -> bytes:
    return hashlib.sha256(world.secret + name.encode()).digest()


def headers(world: World, request_id: str, body: bytes) -> dict[str, str]:
    """All headers of a delivery, signed as the settings say."""
    options: Any = world.options["fal"]
    mode = options.callback_signature
    plain = {"content-type": "application/json"}
    if mode == "absent":
        return plain
    stamp = str(int(world.clock.stamp(world.clock.now())) - (600 if mode == "stale" else 0))
    key = _secret(world, "nobody" if mode == "wrong" else _KEYS[-1])
    return plain | {
        "x-fal-webhook-request-id": request_id,
        "x-fal-webhook-user-id": USER,
        "x-fal-webhook-timestamp": stamp,
        "x-fal-webhook-signature": ed25519.sign(key, message(request_id, USER, stamp, body)).hex(),
    }


def message(request_id: str, user: str, stamp: str, body: bytes) -> bytes:
    """What is signed."""
    return "\n".join((request_id, user, stamp, hashlib.sha256(body).hexdigest())).encode()
