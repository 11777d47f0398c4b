"""Film an episode: shots side by side where they can be, in line where one continues another."""

from pathlib import Path

import anyio
import anyio.to_thread

from dramagen.episode.assemble import Rushes, assemble
from dramagen.episode.choose import Choice, choose
from dramagen.episode.crew import Crew
from dramagen.episode.frames import last_frame
from dramagen.episode.manifest import Manifest
from dramagen.episode.model import Episode, EpisodeShot
from dramagen.episode.picks import Picks, load_picks, remember_start
from dramagen.episode.progress import Listener, Progress
from dramagen.episode.reel import Reel
from dramagen.episode.steering import Steering
from dramagen.errors import DramagenError
from dramagen.media.extra import require
from dramagen.money import Money


async def film(
    crew: Crew,
    episode: Episode,
    out: Path,
    *,
    pin: str | None = None,
    picks: Picks | None = None,
    refilm: bool = False,
    budget: Money | None = None,
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
        budget: what the shots are planned within, again after every result, beside the episode's own. It
            caps nothing: the studio's budgets do.
        on_progress: told of every step.

    Raises:
        MissingExtra: the ``media`` extra, which cuts and verifies, is not installed.
        ConfigError: the picks or the reel are damaged.
    """
    for library in ("av", "PIL"):
        require(library, "filming an episode")  # told now, rather than after the clips are paid for
    episode = episode.repinned(pin)
    if picks is None:
        picks = load_picks(episode.path) if episode.path else Picks()
    await anyio.Path(out).mkdir(parents=True, exist_ok=True)
    reel = Reel.load(out)
    choices = choose(episode, picks, reel.numbers(), refilm=refilm)
    steering = Steering(crew, episode, choices, episode.budgets(budget))
    run = _Run(crew, episode, reel, choices, on_progress or (lambda step: None), steering)
    settled = {job.id for job in crew.jobs() if job.cost is not None}
    async with anyio.create_task_group() as tasks:
        for shot in episode.ordered:
            tasks.start_soon(run.one, shot)
    # What another run ordered is that run's to tell of, also where it came home during this one.
    settled |= {run.rushes.filmed[shot_id].job_id for shot_id in run.rushes.cached}
    spent = [
        job.cost
        for job in crew.jobs()
        if job.cost is not None and job.id not in settled and job.episode == episode.title
    ]
    return await assemble(episode, reel, choices, run.rushes, run.tell, spent)


class _Run:
    """One run: which shots are over, and what came of each."""

    def __init__(
        self,
        crew: Crew,
        episode: Episode,
        reel: Reel,
        choices: dict[str, Choice],
        tell: Listener,
        steering: Steering,
    ) -> None:
        self.steering = steering
        self.crew, self.episode, self.reel, self.choices, self.tell = crew, episode, reel, choices, tell
        self.rushes = Rushes()
        self.over = {shot.id: anyio.Event() for shot in episode.shots}

    async def one(self, shot: EpisodeShot) -> None:
        """Film one shot; whatever comes of it, those that continue from it are told."""
        try:
            if self.choices[shot.id].stale:
                self._keep(shot)
            else:
                await self._film(shot)
        except DramagenError as error:
            self.rushes.errors[shot.id] = error
            self.tell(Progress("failed", shot.id, error.message))
        finally:
            self.steering.heard(shot.id, filmed=shot.id in self.rushes.filmed)
            self.over[shot.id].set()

    def _keep(self, shot: EpisodeShot) -> None:
        take = self.choices[shot.id].take
        self.rushes.filmed[shot.id] = self.reel.takes[shot.id][take]
        self.rushes.cached.add(shot.id)
        self.tell(Progress("kept", shot.id, f"take {take}, though {shot.continues} changed"))

    async def _film(self, shot: EpisodeShot) -> None:
        to_film, choice = shot.shot, self.choices[shot.id]
        if shot.continues is not None:
            await self.over[shot.continues].wait()
            before = self.rushes.filmed.get(shot.continues)
            if before is None:
                self.tell(Progress("waiting", shot.id, f"continues from {shot.continues}, which has no clip"))
                return
            frame = await last_frame(self.crew, before.sha256, self.reel.folder / before.clip)
            to_film = shot.starting_on(frame)
        policy = await self.steering.of(shot.id, to_film)
        clip = await self.crew.shoot(to_film, take=choice.take, episode=self.episode.title, policy=policy)
        filmed = await anyio.to_thread.run_sync(self.reel.copy_in, shot.id, clip)
        self.reel.keep(shot.id, choice.take, filmed)
        remember_start(self.episode.path, shot.id, choice.take, choice.before)
        self.rushes.filmed[shot.id] = filmed
        if clip.cached:
            self.rushes.cached.add(shot.id)
        self.tell(Progress("filmed", shot.id, filmed.clip))
