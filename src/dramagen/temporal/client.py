"""Starting workflows, following them, and telling them what a person picked."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.envconfig import ClientConfigProfile
from temporalio.service import RPCError, RPCStatusCode

from dramagen.config import Budget
from dramagen.episode.model import Episode
from dramagen.episode.picks import Picks
from dramagen.errors import ConfigError, InvalidShot
from dramagen.identity import digest
from dramagen.shot import Shot
from dramagen.studio import Studio
from dramagen.temporal import QUEUE
from dramagen.temporal.failures import heard
from dramagen.temporal.records import DEAD_AFTER, JSON, EpisodeOrder, ShotOrder, Taken, TakeOrder
from dramagen.temporal.workflows import FilmEpisode, FilmShot

LARGEST = 1_000_000
"""Bytes an order may have. A server takes 2 MB (docs.temporal.io, "Temporal Service limits", read 2026-11-22), and an
episode's story comes on top."""

ANSWER = timedelta(seconds=10)
"""How long a worker may take to say where an episode stands."""

ORDER = "order"
"""The memo that says which order a workflow was started with."""


async def connect(address: str) -> Client:
    """A client. Namespace, TLS and key come from Temporal's own environment variables and configuration file.

    Raises ``ConfigError`` where no server answers.
    """
    profile = replace(ClientConfigProfile.load(), address=address)
    try:
        return await Client.connect(**profile.to_client_connect_config())
    except (RuntimeError, RPCError, ValueError) as problem:
        # The library's own thread still hands this error over: a process that ended meanwhile would crash.
        await anyio.sleep(0.1)
        raise ConfigError(f"no Temporal server answers at {address}: {_short(problem)}") from None


def episode_id(title: str) -> str:
    """The id of an episode's workflow."""
    return f"dramagen-episode-{title}"


async def start_shot(
    client: Client,
    studio: Studio,
    shot: Shot,
    *,
    take: int = 1,
    episode: str | None = None,
    budgets: Sequence[Budget] = (),
    queue: str = QUEUE,
    dead_after: float = DEAD_AFTER,
) -> WorkflowHandle[FilmShot, Taken]:
    """Film one take in a workflow; asked for again, it is the same one. Its result is a :class:`.records.Taken`.

    Args:
        studio: open, on the journal and the store of the workers.
        dead_after: seconds without a sign of life after which the take moves to another worker.
    """
    order = TakeOrder(
        shot=await studio.pack(shot),
        journal=await anyio.to_thread.run_sync(studio.journal_id),
        take=take,
        episode=episode,
        budgets=_budgets(budgets),
        dead_after=dead_after,
    )
    name = digest("w1", {"shot": order.shot, "episode": episode}).partition(":")[2][:24]
    _check_size(order)
    return await client.start_workflow(
        FilmShot.run,
        order,
        id=f"dramagen-shot-{name}-t{take}",
        task_queue=queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )


async def start_episode(
    client: Client,
    studio: Studio,
    episode: Episode,
    *,
    takes: int = 1,
    wait: bool = True,
    picks: Picks | None = None,
    folder: Path | None = None,
    budgets: Sequence[Budget] = (),
    queue: str = QUEUE,
    at_once: int = 50,
    dead_after: float = DEAD_AFTER,
) -> WorkflowHandle[FilmEpisode, JSON]:
    """Film an episode in a workflow. The same episode again is the same workflow, also once it has ended well.

    Args:
        studio: open, on the journal and the store of the workers.
        takes: of each shot.
        wait: for a person's pick of every shot; else the first take filmed is in the cut.
        picks: what was said of its takes before.
        folder: where clips and cut go, on the workers' machines; by default a folder in their home.
        budgets: caps beside the workers' own.

    Raises:
        ConfigError: another order of an episode of this title is being filmed.
        InvalidShot: it is too large for a workflow.
    """
    said = picks or Picks()
    shots = []
    for each in episode.shots:
        record, was, ends_on = await studio.pack(each.shot), said.of(each.id), None
        if each.ends_on is not None:
            # A shot cannot end on a frame before it has one to start on: it is packed as if it started there.
            ends_on = (await studio.pack(each.shot.changed(first_frame=each.ends_on)))["first_frame"][
                "sha256"
            ]
        shots.append(ShotOrder(each.id, record, each.continues, ends_on, was.take, sorted(was.rejected)))
    order = EpisodeOrder(
        title=episode.title,
        shots=shots,
        journal=await anyio.to_thread.run_sync(studio.journal_id),
        takes=takes,
        wait=wait,
        budgets=_budgets(budgets),
        folder=None if folder is None else str(await anyio.Path(folder).absolute()),
        at_once=at_once,
        dead_after=dead_after,
    )
    _check_size(order)
    return await _started(client, order, queue)


async def _started(client: Client, order: EpisodeOrder, queue: str) -> WorkflowHandle[FilmEpisode, JSON]:
    name = digest("w1", asdict(order))
    handle = client.get_workflow_handle_for(FilmEpisode.run, episode_id(order.title))
    try:
        there = await handle.describe()
    except RPCError as problem:
        if problem.status != RPCStatusCode.NOT_FOUND:
            raise
    else:
        same = await there.memo_value(ORDER, "") == name
        if same and there.status in (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED):
            return handle
        if there.status == WorkflowExecutionStatus.RUNNING:
            raise ConfigError(
                f"{order.title} is being filmed already, from another version of its file or with other options; let "
                f"it end, or cancel the workflow {handle.id}: nothing that is filmed is lost or paid for again"
            )
    return await client.start_workflow(
        FilmEpisode.run,
        order,
        id=handle.id,
        task_queue=queue,
        memo={ORDER: name},
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )


async def running_episode(client: Client, title: str) -> WorkflowHandle[FilmEpisode, JSON]:
    """The workflow of an episode that is being filmed. Raises ``ConfigError`` where there is none."""
    handle = client.get_workflow_handle_for(FilmEpisode.run, episode_id(title))
    try:
        there = await handle.describe()
    except RPCError as problem:
        if problem.status != RPCStatusCode.NOT_FOUND:
            raise
        raise ConfigError(f"no workflow films {title}: dramagen film FILE --temporal starts it") from None
    if there.status != WorkflowExecutionStatus.RUNNING:
        raise ConfigError(f"the workflow of {title} has ended")
    return handle


async def follow(handle: WorkflowHandle[FilmEpisode, Any], pause: float = 1.0) -> AsyncIterator[JSON]:
    """The state of an episode whenever it changed, until it ends; looked at every ``pause`` seconds.

    A state is what the workflow's query ``state`` says: ``phase`` (``filming``, ``waiting``, ``cutting``, or
    ``unattended`` where no worker answers) and every shot with its takes.

    Raises ``DramagenError`` where it ends without a cut.
    """
    last: JSON = {}
    while (await handle.describe()).status == WorkflowExecutionStatus.RUNNING:
        now = await state_of(handle)
        if now != last:
            last = now
            yield now
        await anyio.sleep(pause)
    await result(handle)


async def state_of(handle: WorkflowHandle[FilmEpisode, Any]) -> JSON:
    """Where an episode stands; the phase is ``unattended`` where no worker answers for it."""
    try:
        return await handle.query(FilmEpisode.state, rpc_timeout=ANSWER)
    except RPCError:
        return {"phase": "unattended", "shots": []}


async def result(handle: WorkflowHandle[Any, Any]) -> Any:
    """What a workflow came to. Raises the typed error it ended with."""
    try:
        return await handle.result()
    except WorkflowFailureError as failure:
        raise heard(failure) from None


def _short(problem: Exception) -> str:
    """The library quotes the structures of another language."""
    text = str(problem)
    return next((plain for sign, plain in _PLAIN if sign in text), text[:200])


_PLAIN = (
    ("ConnectionRefused", "connection refused"),
    ("dns error", "no such host"),
    ("timed out", "no answer"),
)


def _budgets(budgets: Sequence[Budget]) -> list[JSON]:
    return [{"limit": cap.limit.to_json(), "per": cap.per} for cap in budgets]


def _check_size(order: TakeOrder | EpisodeOrder) -> None:
    size = len(json.dumps(asdict(order), ensure_ascii=False).encode())
    if size > LARGEST:
        raise InvalidShot(
            f"as an order it has {size:,} bytes, and a workflow takes {LARGEST:,}: film it in parts"
        )
