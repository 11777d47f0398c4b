"""Film an episode: shots side by side where they can be, in line where one continues another."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import anyio
import anyio.from_thread
import anyio.to_thread

from dramagen.episode.choose import Choice, choose
from dramagen.episode.crew import Crew
from dramagen.episode.cut import CutShot, cut
from dramagen.episode.frames import last_frame
from dramagen.episode.manifest import Failure, Manifest, ManifestShot, entry_of
from dramagen.episode.model import Episode, EpisodeShot
from dramagen.episode.picks import Picks, load_picks, remember_start, write_whole
from dramagen.episode.reel import Filmed, Reel
from dramagen.errors import DramagenError, OutcomeUnknown
from dramagen.money import Money, total


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of an episode: ``done`` and ``of`` count clips where the step is cutting."""

    kind: Literal["filmed", "kept", "failed", "waiting", "cutting"]
    shot_id: str = ""
    detail: str = ""
    done: int = 0
    of: int = 0


Listener = Callable[[Progress], None]


async def film(
    crew: Crew,
    episode: Episode,
    out: Path,
    *,
    pin: str | None = None,
    picks: Picks | None = None,
    refilm: bool = False,
    on_progress: Listener | None = None,
) -> Manifest:
    """Film an episode into the folder ``out`` and cut it together. Run again, it goes on where it was.

    One shot's failure stops no other; a shot that continues from a failed one is left waiting.

    Args:
        crew: a :class:`dramagen.Studio`.
        episode: what to film.
        out: gets ``clips/``, ``episode.mp4``, ``contact-sheet.png`` and ``manifest.json``.
        pin: films every shot there.
        picks: which takes; by default those beside the episode's file.
        refilm: film stale shots again, as new takes; without it their old takes are kept.
        on_progress: told of every step.

    Raises:
        MissingExtra: the ``media`` extra, which cuts and verifies, is not installed.
        ConfigError: the picks or the reel are damaged.
    """
    episode = episode.repinned(pin)
    if picks is None:
        picks = load_picks(episode.path) if episode.path else Picks()
    await anyio.Path(out).mkdir(parents=True, exist_ok=True)
    reel = Reel.load(out)
    choices = choose(episode, picks, reel.numbers(), refilm=refilm)
    run = _Run(crew, episode, reel, choices, on_progress or (lambda step: None))
    settled = {job.id for job in crew.jobs() if job.cost is not None}
    async with anyio.create_task_group() as tasks:
        for shot in episode.ordered:
            tasks.start_soon(run.one, shot)
    cuts = [CutShot(s.id, s.take, run.filmed[s.id]) for s in run.entries()]
    if cuts:
        await cut_together(reel, episode.title, cuts, run.tell)
    spent = [
        job.cost
        for job in crew.jobs()
        if job.cost is not None and job.id not in settled and job.episode == episode.title
    ]
    manifest = _manifest(episode, out, run.entries(), tuple(run.failures()), spent, choices)
    write_manifest(manifest)
    return manifest


async def cut_together(reel: Reel, title: str, shots: Sequence[CutShot], tell: Listener) -> bool:
    """:func:`cut` in a worker thread, telling of each clip; cancelled between two clips. Whether it was made."""

    def progress(done: int, of: int) -> None:
        anyio.from_thread.check_cancelled()
        anyio.from_thread.run_sync(tell, Progress("cutting", done=done, of=of))

    return await anyio.to_thread.run_sync(cut, reel, title, shots, progress)


def write_manifest(manifest: Manifest) -> None:
    """Write ``manifest.json``, whole or not at all."""
    write_whole(manifest.file, json.dumps(manifest.to_json(), ensure_ascii=False, indent=2) + "\n")


@dataclass
class _Run:
    crew: Crew
    episode: Episode
    reel: Reel
    choices: dict[str, Choice]
    tell: Listener
    filmed: dict[str, Filmed] = field(default_factory=dict)
    cached: set[str] = field(default_factory=set)
    errors: dict[str, DramagenError] = field(default_factory=dict)
    over: dict[str, anyio.Event] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.over = {shot.id: anyio.Event() for shot in self.episode.shots}

    async def one(self, shot: EpisodeShot) -> None:
        """Film one shot; whatever comes of it, those that continue from it are told."""
        try:
            if self.choices[shot.id].stale:
                self._keep(shot)
            else:
                await self._film(shot)
        except DramagenError as error:
            self.errors[shot.id] = error
            self.tell(Progress("failed", shot.id, error.message))
        finally:
            self.over[shot.id].set()

    def _keep(self, shot: EpisodeShot) -> None:
        take = self.choices[shot.id].take
        self.filmed[shot.id] = self.reel.takes[shot.id][take]
        self.cached.add(shot.id)
        self.tell(Progress("kept", shot.id, f"take {take}, though {shot.continues} changed"))

    async def _film(self, shot: EpisodeShot) -> None:
        to_film, choice = shot.shot, self.choices[shot.id]
        if shot.continues is not None:
            await self.over[shot.continues].wait()
            before = self.filmed.get(shot.continues)
            if before is None:
                self.tell(Progress("waiting", shot.id, f"continues from {shot.continues}, which has no clip"))
                return
            frame = await last_frame(self.crew, before.sha256, self.reel.folder / before.clip)
            to_film = shot.starting_on(frame)
        clip = await self.crew.shoot(to_film, take=choice.take, episode=self.episode.title)
        filmed = await anyio.to_thread.run_sync(self.reel.copy_in, shot.id, clip)
        self.reel.keep(shot.id, choice.take, filmed)
        remember_start(self.episode.path, shot.id, choice.take, choice.before)
        self.filmed[shot.id] = filmed
        if clip.cached:
            self.cached.add(shot.id)
        self.tell(Progress("filmed", shot.id, filmed.clip))

    def entries(self) -> tuple[ManifestShot, ...]:
        return tuple(
            entry_of(shot.id, self.choices[shot.id].take, self.filmed[shot.id], shot.id in self.cached)
            for shot in self.episode.shots
            if shot.id in self.filmed
        )

    def failures(self) -> list[Failure]:
        return [
            Failure(
                shot.id,
                self.choices[shot.id].take,
                self.errors.get(shot.id),
                None if shot.id in self.errors else shot.continues,
            )
            for shot in self.episode.shots
            if shot.id not in self.filmed
        ]


def _manifest(
    episode: Episode,
    out: Path,
    shots: tuple[ManifestShot, ...],
    failures: tuple[Failure, ...],
    spent: list[Money],
    choices: dict[str, Choice],
) -> Manifest:
    risks = [f.error.at_risk for f in failures if isinstance(f.error, OutcomeUnknown)]
    return Manifest(
        episode=episode.title,
        folder=out,
        shots=shots,
        failures=failures,
        spent_now=total(spent),
        value=total(shot.cost for shot in shots),
        unknown=total(risk for risk in risks if risk is not None),
        stale=tuple(shot.id for shot in episode.shots if choices[shot.id].stale),
    )
