"""A project's events: one when a job completed, one when it failed, each naming no more than the job.

Source: OpenAI's webhooks guide, as read up to 2026-11-22; the signature is that of Standard Webhooks.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from dramagen.emulator.callbacks import Notice
from dramagen.emulator.state import Account, Job
from dramagen.emulator.world import Call


def notice(call: Call, account: Account, job: Job) -> Notice:
    """What a job owes the project's address."""
    world, options = call.world, call.options

    def compose(at: float) -> tuple[Mapping[str, str], bytes]:
        kind = "video.completed" if job.state(at) == "succeeded" else "video.failed"
        event = {
            "id": f"evt_{job.id}",
            "object": "event",
            "created_at": int(world.clock.stamp(at)),
            "type": kind,
            "data": {"id": job.id},
        }
        body = json.dumps(event, separators=(",", ":")).encode()
        stamp = str(int(world.clock.stamp(world.clock.now())))
        return {
            "content-type": "application/json",
            **signed(options.webhook_secrets, f"wh_{job.id}", stamp, body),
        }, body

    return Notice(
        url=options.webhook_url,
        account=account,
        job=job,
        compose=compose,
        states=frozenset({"succeeded", "failed"}),
        resent=frozenset({"succeeded", "failed"}),
        resends=3,
        mode=options.callbacks,
    )


def signed(secrets: list[str], identity: str, stamp: str, body: bytes) -> dict[str, str]:
    """The three headers, with one signature for each secret in force; none where no secret is set."""
    if not secrets:
        return {}
    text = f"{identity}.{stamp}.".encode() + body
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    made = [base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode() for key in keys]
    return {
        "webhook-id": identity,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in made),
    }
