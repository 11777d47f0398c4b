"""A checked create of either generation becomes one job; what both generations share about tasks."""

import json
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from dramagen.emulator.callbacks import Notice, post
from dramagen.emulator.files import file_url
from dramagen.emulator.hailuo.errors import Refusal, invalid
from dramagen.emulator.media import ClipSpec
from dramagen.emulator.state import Account, Job, jitter
from dramagen.emulator.world import Call, World

DAY = 86_400.0
_IDS = {"v1": 106_916_112_212_000, "v2": 424_010_985_739_000}
_FILES = 176_844_028_768_000


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a create asks for. ``pictures`` and ``video`` (begun seconds) are what H3 counts of its inputs."""

    generation: Literal["v1", "v2"]
    model: str
    prompt: str
    tier: str
    seconds: int
    price: Decimal
    clip: ClipSpec
    ratio: str = ""
    pictures: int = 0
    video: int = 0
    callback: str = ""


@dataclass(frozen=True, kw_only=True)
class Detail:
    """What a task shows beside its state: its wish, its file's id, and the code it fails with (0: it does not)."""

    wish: Wish
    file: int
    code: int


def account(call: Call) -> Account:
    """The caller's account; raises ``Refusal``."""
    if not call.bearer:
        raise Refusal(1004)
    if call.bearer.startswith("bad"):
        raise Refusal(2049, status=401)
    return call.account(call.bearer)


def body_of(call: Call) -> dict[str, Any]:
    """The JSON object sent; raises ``Refusal``."""
    try:
        body = call.json()
    except ValueError:
        raise invalid("the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise invalid("the body must be a JSON object")
    if len(call.body) > 64 * 1024 * 1024:
        raise invalid("the body must be at most 64 MB")
    return body


def check_rate(call: Call, owner: Account, generation: str) -> None:
    """Creates of the last minute; raises ``Refusal``."""
    window = owner.seen.setdefault(f"creates:{generation}", [])
    window[:] = [moment for moment in window if moment > call.now - 60]
    most = call.options.creates_per_minute
    if most and len(window) >= most:
        raise Refusal(1002)
    window.append(call.now)


async def shake_hands(call: Call, url: object) -> str:
    """The callback address of a create, after it took the challenge; raises ``Refusal``."""
    if url is None:
        return ""
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise invalid("callback_url")
    if call.options.handshake == "check" and call.options.callbacks != "never":
        challenge = json.dumps({"challenge": secrets.token_hex(16)}).encode()
        send = call.world.send or post
        if not 200 <= await send(url, {"content-type": "application/json"}, challenge) < 300:
            raise invalid("callback_url did not answer the challenge")
    return url


def submit(call: Call, owner: Account, wish: Wish) -> Job:
    """The job of a checked create; raises ``Refusal``."""
    if "[[moderate-input]]" in wish.prompt:
        raise Refusal(1026)
    if owner.spent(call.now) + wish.price > call.options.balance:
        raise Refusal(1008)
    running = sum(
        job.detail.wish.generation == wish.generation
        and job.state(call.now) not in ("succeeded", "failed", "cancelled")
        for job in owner.jobs.values()
    )
    if running >= call.options.concurrency:
        raise Refusal(1041)
    serial = next(call.world.serial)
    clip = wish.clip
    for kind in ("short", "small", "mute", "corrupt"):
        if f"[[defect:{kind}]]" in wish.prompt:
            clip = clip.defective(kind)
    code = 1027 if "[[moderate-output]]" in wish.prompt else 1026 if "[[moderate-late]]" in wish.prompt else 0
    code = code or (1000 if "[[fail]]" in wish.prompt else 0)
    job_id = str(_IDS[wish.generation] + serial)
    job = Job(
        id=job_id,
        model=wish.model,
        price=wish.price,
        created=call.now,
        seconds=call.options.job_seconds * jitter(job_id, 0.8, 1.2),
        clip=clip,
        outcome="failed" if code else "succeeded",
        detail=Detail(wish=wish, file=_FILES + serial, code=code),
    )
    if call.never:
        job.stall(call.now)
    owner.add(job, lane=wish.generation)
    return job


def visible(call: Call, job: Job) -> bool:
    """Whether the vendor still knows a task."""
    return not job.deleted and call.now < job.created + 7 * DAY


def found(call: Call, owner: Account, job_id: str, generation: str) -> Job:
    """A task of the caller's; raises ``Refusal``."""
    job = owner.find(job_id)
    if job is None or job.detail.wish.generation != generation or not visible(call, job):
        raise Refusal(2013, "invalid task_id")
    if call.never:
        job.stall(call.now)
    return job


def origin(call: Call) -> str:
    return f"{call.request.url.scheme}://{call.request.url.netloc}{call.prefix}"


def link(world: World, base: str, job: Job, asked: float) -> str:
    """A link to the finished file, good for a while from when it was asked for."""
    options: Any = world.options["hailuo"]
    return file_url(world, base, job, "output.mp4", asked + options.link_seconds)


def stamp(world: World, moment: float) -> int:
    return math.floor(world.clock.stamp(moment))


def announce(call: Call, owner: Account, job: Job, render: Any) -> None:
    """Owe the job's callbacks; ``render`` gives the body of its generation for a moment of virtual time."""
    if not job.detail.wish.callback:
        return
    base, world = origin(call), call.world

    def compose(at: float) -> tuple[Mapping[str, str], bytes]:
        shown = json.dumps(render(world, base, job, at), ensure_ascii=False)
        return {"content-type": "application/json"}, shown.encode()

    world.outbox.add(
        Notice(
            url=job.detail.wish.callback,
            account=owner,
            job=job,
            compose=compose,
            states=frozenset({"running", "succeeded", "failed"}),
            mode=call.options.callbacks,
        )
    )
