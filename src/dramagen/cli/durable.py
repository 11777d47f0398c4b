"""The commands on Temporal: an episode as a workflow, followed here and filmed by workers."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import anyio
import typer

from dramagen.cli import exits, tables
from dramagen.cli.consent import agree, warn_of_the_unfilmable
from dramagen.cli.options import capped
from dramagen.cli.screen import emit, note, say
from dramagen.episode import Episode
from dramagen.episode.manifest import Manifest, ManifestShot
from dramagen.episode.outlook import look_ahead
from dramagen.episode.picks import Picks, load_picks, save_picks
from dramagen.errors import ConfigError, InvalidShot, MissingExtra, from_json
from dramagen.money import Money, total
from dramagen.studio import Studio

JSON = dict[str, Any]


def needs_temporal() -> None:
    """Raise ``MissingExtra`` where Temporal's library is not installed."""
    if find_spec("temporalio") is None:
        raise MissingExtra("temporal", "filming on Temporal")


def film_durably(
    file: Path,
    folder: Path,
    pin: str | None,
    budget: Money | None,
    yes: bool,
    as_json: bool,
    address: str,
    queue: str,
    takes: int | None,
) -> NoReturn:
    """Start the workflow of an episode, or find it, and follow it to its end. Ctrl-C leaves it running."""
    needs_temporal()
    try:
        code = anyio.run(_film, file, folder, pin, budget, yes, as_json, address, queue, takes)
    except KeyboardInterrupt:
        note("Detached: the workflow goes on, and the same command follows it again.")
        code = exits.INTERRUPTED
    raise typer.Exit(code)


async def _film(
    file: Path,
    folder: Path,
    pin: str | None,
    budget: Money | None,
    yes: bool,
    as_json: bool,
    address: str,
    queue: str,
    takes: int | None,
) -> int:
    from dramagen.temporal.client import connect, follow, result, running_episode, start_episode

    episode, picks = Episode.load(file).repinned(pin), load_picks(file)
    client = await connect(address)
    caps = capped(budget, episode)
    async with Studio(caps) as studio:
        try:
            await running_episode(client, episode.title)
        except ConfigError:  # nothing is under way, so this may cost something
            ahead = await look_ahead(studio, episode, picks, folder)
            warn_of_the_unfilmable(ahead.plan)
            count = takes or 1
            numbers = [take for take in range(1, count + 1) for _ in ahead.shots]
            agree(
                studio,
                studio.plan(ahead.shots * count, takes=numbers),
                yes=yes,
                budget=budget,
                episode=episode,
            )
        handle = await start_episode(
            client,
            studio,
            episode,
            takes=takes or 1,
            wait=takes is not None,
            picks=picks,
            folder=folder,
            budgets=caps.budgets,
            queue=queue,
        )
    note(f"workflow {handle.id} on {address}; Ctrl-C leaves it running")
    told: set[str] = set()
    async for state in follow(handle):
        _tell(state, told, f"{file} SHOT TAKE --temporal {address}", f"--temporal {address} --queue {queue}")
    cut = await result(handle)
    _keep_picks(file, episode, cut, picked=takes is not None)
    if as_json:
        emit(cut)
    else:
        _show(cut)
    return _code(cut)


def _tell(state: JSON, told: set[str], words: str, where: str) -> None:
    """What is new since the last look."""

    def once(line: str) -> None:
        if line not in told:
            told.add(line)
            note(line)

    if state["phase"] == "unattended":
        once(f"no worker answers: dramagen worker {where}")
    for shot in state["shots"]:
        for take in shot["takes"]:
            name = f"{shot['id']}  take {take['take']}"
            if take["state"] == "filmed":
                once(f"{name}  {Money.parse(take['clip']['cost'])}  {take['clip']['clip']}")
            elif take["state"] == "failed":
                once(f"{name}: {from_json(take['error'])}")
    if state["phase"] == "waiting" and state.get("wait"):
        open_shots = [
            shot["id"] for shot in state["shots"] if shot["pick"] is None and "waits_for" not in shot
        ]
        if open_shots:
            once(f"waiting for a pick of {', '.join(open_shots)}: dramagen pick {words}, or dramagen reject")
    if "cut_problem" in state:
        once(f"the cut: {from_json(state['cut_problem'])}; pick a take again to try again")


def _show(cut: JSON) -> None:
    shots = tuple(ManifestShot(**{**shot, "cost": Money.parse(shot["cost"])}) for shot in cut["shots"])
    if not shots:
        note("nothing was filmed")
        return
    manifest = Manifest(cut["episode"], Path(cut["folder"]), shots)
    say(tables.filmed(manifest))
    say("")
    say(f"these clips cost {tables.moneys(total(shot.cost for shot in shots))} in all")
    say(f"{manifest.film} (on {cut['host']})")


def _code(cut: JSON) -> int:
    without = [shot for shot in cut["takes"] if shot["pick"] is None]
    errors = [take["error"] for shot in without for take in shot["takes"] if "error" in take]
    if without and not errors:
        return exits.FAILED
    return exits.code_of_all([from_json(error) for error in errors])


def _keep_picks(file: Path, episode: Episode, cut: JSON, picked: bool) -> None:
    """Beside the file, as ``dramagen pick`` keeps them: the next command here goes on from them."""
    picks: Picks = load_picks(file)
    standing = {shot["id"]: shot["pick"] for shot in cut["takes"]}
    for shot in cut["takes"]:
        before = standing.get(episode.shot(shot["id"]).continues or "")
        for take in shot["takes"]:
            if take.get("before") is not None and "clip" in take:
                picks = picks.started(shot["id"], take["take"], take["before"])
            if picked and take["state"] == "rejected":
                picks = picks.rejected(shot["id"], take["take"], take["reason"])
        if picked and shot["pick"] is not None:
            picks = picks.picked(shot["id"], shot["pick"], before)
    save_picks(file, picks)


def tell(address: str, file: Path, word: str, shot: str, take: int, *more: str) -> None:
    """A person's word on a take, for the workflow that films this episode.

    Raises ``ConfigError`` where none does, ``InvalidShot`` for a take that is not there.
    """
    needs_temporal()
    anyio.run(_send, address, file, word, shot, take, more)


async def _send(address: str, file: Path, word: str, shot: str, take: int, more: tuple[str, ...]) -> None:
    from dramagen.temporal.client import connect, running_episode, state_of

    episode = Episode.load(file)
    episode.shot(shot)
    handle = await running_episode(await connect(address), episode.title)
    state = await state_of(handle)
    if state["phase"] == "unattended":
        raise ConfigError(f"no worker answers for {episode.title}: dramagen worker --temporal {address}")
    takes: list[JSON] = next((each["takes"] for each in state["shots"] if each["id"] == shot), [])
    there = {each["take"]: each["state"] for each in takes if each["state"] not in ("due", "filming")}
    if take not in there or (word == "pick" and there[take] == "failed"):
        listed = ", ".join(str(number) for number, how in there.items() if how != "failed") or "none yet"
        raise InvalidShot(f"{shot} has no take {take}; filmed are {listed}")
    await handle.signal(word, args=[shot, take, *more])
