"""Film every shot of a suite on every route, K takes each, and check what comes back.

Through the studio like anything else: cached, journaled, capped, never paid for twice. Run again, it goes on.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import anyio.to_thread

from dramagen.bench.suite import NO_TEXT, Suite, profile_of
from dramagen.bench.take import TECHNICAL, State, Take, TakeId
from dramagen.catalog.order import Order
from dramagen.clip import Clip
from dramagen.engine.entries import Entry
from dramagen.engine.ledger import spent
from dramagen.errors import ContentRejected, DefectiveClip, DramagenError, JobFailed, NoRoute
from dramagen.media.checks import VERSION, Asked, Reader, examine
from dramagen.media.extra import require
from dramagen.money import Money
from dramagen.routing.plan import Plan, ShotPlan
from dramagen.shot import RESOLUTIONS, Shot
from dramagen.studio import Studio

CLIPS = "clips"
CHECKS_AT_ONCE = 2
SHORT_SIDES = {name: int(name.removesuffix("p")) for name in RESOLUTIONS if name.endswith("p")} | {
    "2k": 1440, "4k": 2160,
}  # fmt: skip
_VERDICTS = (ContentRejected, JobFailed, DefectiveClip)
"""Errors that say something about the model or its vendor's rules; the others say something about today."""

Told = Callable[[Take], None]


@dataclass(frozen=True)
class Slot:
    """One take to film: the shot, pinned to its route."""

    id: TakeId
    shot: Shot


def slots(suite: Suite, routes: Sequence[str], takes: int) -> tuple[Slot, ...]:
    """Everything to film: every shot on every route, ``takes`` times."""
    return tuple(
        Slot(TakeId(shot.id or shot.name, route, take), shot.pinned(route))
        for shot in suite.shots
        for route in dict.fromkeys(routes)
        for take in range(1, takes + 1)
    )


async def look_ahead(studio: Studio, listed: Sequence[Slot]) -> Plan:
    """What the whole benchmark would cost; spends nothing.

    Raises:
        NoRoute: a route does not exist, or can film none of the shots, and why.
        InvalidShot: a picture cannot be read.
    """
    await studio.prepare([slot.shot for slot in listed])
    plan = studio.plan([slot.shot for slot in listed], takes=[slot.id.take for slot in listed])
    for route in dict.fromkeys(slot.id.route for slot in listed):
        answers = [p for p, slot in zip(plan.shots, listed, strict=True) if slot.id.route == route]
        if all(p.choice is None and p.held is None and p.ended is None for p in answers):
            raise NoRoute(
                f"{route} films no shot of the suite; of {answers[0].shot.name}: {_why(answers[0])}"
            )
    return plan


def _why(planned: ShotPlan) -> str:
    """Why the routes its pin names do not film a shot."""
    pin = planned.shot.pin
    refused = [refusal.reason for refusal in planned.refusals if refusal.route.satisfies(pin)]
    if any(quote.route.satisfies(pin) for quote in planned.quotes):
        return "no key"
    return refused[0] if refused else "there is no such route"


async def film(
    studio: Studio,
    suite: Suite,
    listed: Sequence[Slot],
    folder: Path,
    *,
    before: Iterable[Take] = (),
    reader: Reader | None = None,
    told: Told | None = None,
) -> list[Take]:
    """Film and check every slot, side by side; one take's failure stops no other.

    Args:
        studio: open.
        folder: gets ``clips/``.
        before: takes of an earlier run; a clip that was checked then is not checked again.
        reader: reads writing in the picture.
        told: hears of every take as it is over.

    Returns:
        One take for each slot, in their order.

    Raises:
        MissingExtra: the ``media`` extra, which checks the clips, is not installed.
    """
    for library in ("av", "PIL"):
        require(library, "a benchmark")
    await anyio.Path(folder / CLIPS).mkdir(parents=True, exist_ok=True)
    run = _Run(studio, suite, folder, {take.id: take for take in before}, reader)
    takes: dict[TakeId, Take] = {}

    async def one(slot: Slot) -> None:
        take = await run.take(slot)
        takes[slot.id] = take
        if told is not None:
            told(take)

    async with anyio.create_task_group() as tasks:
        for slot in listed:
            tasks.start_soon(one, slot)
    books = _Books.of(studio.entries(), suite.ledger_name)
    return [books.costed(takes[slot.id]) for slot in listed]


class _Run:
    def __init__(
        self,
        studio: Studio,
        suite: Suite,
        folder: Path,
        known: Mapping[TakeId, Take],
        reader: Reader | None,
    ) -> None:
        self.studio, self.suite, self.folder, self.known, self.reader = studio, suite, folder, known, reader
        self.checking = anyio.CapacityLimiter(CHECKS_AT_ONCE)

    async def take(self, slot: Slot) -> Take:
        try:
            clip = await self.studio.shoot(slot.shot, take=slot.id.take, episode=self.suite.ledger_name)
        except DramagenError as error:
            return Take(slot.id, _state(error), error=(type(error).__name__, error.message))
        return await anyio.to_thread.run_sync(self._checked, slot, clip, limiter=self.checking)

    def _checked(self, slot: Slot, clip: Clip) -> Take:
        name = clip_name(slot.id)
        clip.save(self.folder / CLIPS / name)
        take = Take(
            slot.id, "clip", clip.route, clip.model, f"{CLIPS}/{name}", clip.sha256, clip.job_id,
            cached=clip.cached, seconds=self._lag(clip.job_id),
            reviews=tuple(
                (said["accepted"], said["reason"])
                for said in self.studio.reviews(clip.job_id)
                if not said["reason"].startswith(TECHNICAL)  # taught by an earlier benchmark: nobody's word
            ),
        )  # fmt: skip
        asked = self._asked(slot, clip)
        profile = profile_of(slot.shot)
        checked = f"{VERSION}:{_digest(f'{asked!r} {profile!r} {self.reader is not None}')}"
        earlier = self.known.get(slot.id)
        if earlier is not None and (earlier.sha256, earlier.checked) == (clip.sha256, checked):
            return replace(take, marks=earlier.marks, signs=earlier.signs, checked=checked)
        seen = examine(clip.path, asked, profile, self.reader)
        return replace(take, marks=seen.marks, signs=seen.signs, checked=checked)

    def _asked(self, slot: Slot, clip: Clip) -> Asked:
        job = self.studio.job(clip.job_id)
        if job is None:  # the index outlived the journal
            return Asked(audio=slot.shot.audio)
        trim, order = job.quote.trim, job.quote.order
        return asked_of(slot.shot, order, float(trim.seconds if trim is not None else order.duration))

    def _lag(self, job_id: str) -> float | None:
        """Seconds from the vendor's yes to the verified file; None where either is not on record."""
        at = {str(step["kind"]): float(step["at"]) for step in self.studio.timeline(job_id)}
        if "accepted" not in at or "done" not in at:
            return None
        return (at["done"] - at["accepted"]) * self.studio.settings.time_scale


def asked_of(shot: Shot, order: Order, seconds: float) -> Asked:
    """What the technical checks hold a clip against: the order, and what the shot insists on."""
    sized = order.width is not None and order.height is not None
    first = shot.first_frame
    return Asked(
        duration=seconds,
        longer_ok=shot.allow_longer,
        aspect_ratio=f"{order.width}:{order.height}" if sized else order.aspect_ratio,
        short_side=min(order.width or 0, order.height or 0) or SHORT_SIDES.get(order.resolution),
        audio=shot.audio,
        single_take=not shot.cuts,
        moves="high-motion" in shot.tags,
        text_ok=NO_TEXT not in shot.tags,
        first_frame=first.read() if first is not None and first.url is None else None,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def clip_name(take: TakeId) -> str:
    """A file name that says which take it is, safe on every system."""
    words = (take.shot, take.route, f"t{take.take}")
    return "--".join(re.sub(r"[^\w.]+", "-", word).strip("-.") for word in words) + ".mp4"


def _state(error: DramagenError) -> State:
    if isinstance(error, NoRoute):
        return "unfit"
    return "failed" if isinstance(error, _VERDICTS) else "open"


@dataclass(frozen=True)
class _Books:
    """The journal's jobs, by what a take can be found by.

    ``ours`` is what its own are booked under: other jobs of the studio may be of shots with the same ids.
    """

    by_id: Mapping[str, Entry]
    by_take: Mapping[tuple[str | None, int], list[Entry]]
    ours: str

    @classmethod
    def of(cls, entries: Iterable[Entry], ours: str) -> "_Books":
        by_id: dict[str, Entry] = {}
        by_take: dict[tuple[str | None, int], list[Entry]] = {}
        for entry in entries:
            by_id[entry.id] = entry
            by_take.setdefault((entry.shot_id, entry.take), []).append(entry)
        return cls(by_id, by_take, ours)

    def costed(self, take: Take) -> Take:
        """The take with all that was paid for it: its clip, and attempts that were billed and gave none."""
        tried = self.by_take.get((take.id.shot, take.id.take), ())
        jobs = {entry.id: entry for entry in tried if entry.route.satisfies(take.id.route)}
        if take.job_id is not None and take.job_id in self.by_id:
            jobs[take.job_id] = self.by_id[take.job_id]
        if not jobs:
            return take
        found = list(jobs.values())
        mine = [entry for entry in found if entry.episode == self.ours]
        last = jobs[take.job_id] if take.job_id in jobs else (mine or found)[-1]
        # A shot whose words were changed since is another shot.
        paid = [spent(entry) for entry in jobs.values() if entry.shot_hash == last.shot_hash]
        costs = [money for money in paid if money is not None and money.currency == last.reserved.currency]
        return replace(take, cost=sum(costs, Money.zero(last.reserved.currency)))
