"""Standard Webhooks: HMAC-SHA256 over id, time and body, with the account's own secret.

Source: Replicate's pages on webhooks, as read up to 2026-11-22.
"""

import base64
import hashlib
import hmac
import secrets
from typing import Any

from dramagen.emulator.state import Account, Job
from dramagen.emulator.world import World


def secret(account: Account) -> str:
    """The account's signing secret, made when first asked for."""
    made: str = account.seen.setdefault(
        "webhook_secret", "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    )
    return made


def headers(world: World, account: Account, job: Job, body: bytes) -> dict[str, str]:
    """All headers of a delivery, signed as the settings say."""
    options: Any = world.options["replicate"]
    plain = {"content-type": "application/json"}
    if options.callback_signature == "absent":
        return plain
    key = base64.b64decode(secret(account).removeprefix("whsec_"))
    if options.callback_signature == "wrong":
        key = key[::-1]
    late = 600 if options.callback_signature == "stale" else 0
    stamp = str(int(world.clock.stamp(world.clock.now())) - late)
    identity = f"msg_{job.id}"
    text = f"{identity}.{stamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return plain | {
        "webhook-id": identity,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
    }
