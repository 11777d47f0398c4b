"""A checked create of either generation becomes one job; what both generations share about tasks."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from dramagen.emulator.files import file_url
from dramagen.emulator.kling.errors import Refusal, invalid
from dramagen.emulator.kling.models import AREA, UNIT, Condition, size, units
from dramagen.emulator.media import FPS, ClipSpec
from dramagen.emulator.pixels import Size, fit_area
from dramagen.emulator.state import Account, Job, charge, jitter
from dramagen.emulator.world import Call, World, plain

RETENTION = 30 * 86_400.0
_FIRST_ID = 920_000_000_000_000_000


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a create asks for, whichever generation of the API it came through. ``seconds`` is the output's."""

    model: str
    product: str
    generation: Literal["new", "legacy"]
    prompt: str
    resolution: str
    seconds: int
    condition: Condition
    sound: bool
    input_seconds: float = 0
    ratio: str = "16:9"
    frame: Size | None = None
    external_id: str = ""
    callback: str = ""
    watermark: bool = False


@dataclass(frozen=True, kw_only=True)
class Detail:
    """What a task shows beside its state."""

    wish: Wish
    units: Decimal
    reason: str


def submit(call: Call, account: Account, wish: Wish) -> tuple[Job, bool]:
    """The job of a create, and whether it is new; raises ``Refusal``."""
    if "[[moderate-input]]" in wish.prompt:
        raise Refusal(1301)
    known = by_external_id(account, wish.external_id) if wish.external_id else None
    if known is not None and call.options.duplicate_external_id == "reject":
        raise invalid("external_task_id is invalid: it already exists in this account")
    if known is not None and call.options.duplicate_external_id == "dedupe":
        return known, False
    cost = units(wish.model, wish.condition, wish.resolution, wish.seconds, wish.input_seconds)
    unit = UNIT[account.currency]
    if account.spent(call.now) + cost * unit > call.options.balance * unit:
        raise Refusal(1102)
    if account.unfinished(wish.model, call.now) >= call.options.concurrency:
        raise Refusal(1303)
    job = _job(call, wish, cost, unit)
    if call.never:
        job.stall(call.now)
    account.add(job, lane=wish.model)
    return job, True


def _job(call: Call, wish: Wish, cost: Decimal, unit: Decimal) -> Job:
    job_id = str(_FIRST_ID + next(call.world.serial))
    width, height = (
        fit_area(wish.frame.ratio, AREA[wish.resolution])
        if wish.frame
        else size(wish.model, wish.resolution, wish.ratio)
    )
    clip = ClipSpec(width, height, FPS * wish.seconds + 1, wish.sound)
    for kind in ("short", "small", "mute", "corrupt"):
        if f"[[defect:{kind}]]" in wish.prompt:
            clip = clip.defective(kind)
    reason = _reason(wish.prompt)
    return Job(
        id=job_id,
        model=wish.model,
        price=cost * unit,
        created=call.now,
        seconds=call.options.job_seconds * jitter(job_id, 0.8, 1.2),
        clip=clip,
        tag=wish.external_id,
        outcome="failed" if reason else "succeeded",
        detail=Detail(wish=wish, units=cost, reason=reason),
    )


def _reason(prompt: str) -> str:
    """Why a task will fail: free text only, as the vendor gives no code."""
    if "[[moderate-output]]" in prompt:
        return "Failure to pass the risk control system"
    return "generation failed, please try again later" if "[[fail]]" in prompt else ""


def by_external_id(account: Account, external_id: str) -> Job | None:
    """The newest job with this external id."""
    jobs = [job for job in account.jobs.values() if job.detail.wish.external_id == external_id]
    return jobs[-1] if jobs else None


def looked_up(call: Call, job: Job) -> bool:
    """Whether look-ups and lists show this job yet."""
    return bool(call.now >= job.created + call.options.lookup_delay)


def origin(call: Call) -> str:
    return f"{call.request.url.scheme}://{call.request.url.netloc}{call.prefix}"


def video_urls(world: World, base: str, job: Job) -> tuple[str, str]:
    """The result's URL and the watermarked one, empty where none was ordered."""
    expires = job.ends + RETENTION
    url = file_url(world, base, job, "video.mp4", expires)
    marked = file_url(world, base, job, "watermarked.mp4", expires) if job.detail.wish.watermark else ""
    return url, marked


def duration_text(job: Job, style: str) -> str | None:
    """The result's duration as the vendor spells it."""
    seconds = job.clip.seconds
    match style:
        case "whole":
            return f"{seconds:.0f}"
        case "tenths":
            return f"{int(seconds)}.0"
        case "missing":
            return None
    return f"{seconds:.2f}"


def paid_units(job: Job, at: float) -> str:
    """Units deducted by a moment of virtual time."""
    return plain(job.detail.units if charge(job, at) else Decimal(0))
