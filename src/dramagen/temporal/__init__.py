"""Shots and whole episodes as durable workflows on Temporal (extra ``temporal``).

An episode waits for people's picks for days, a dead worker's shots move on by themselves, and nothing is posted
twice: the activity that films asks the journal first. So every worker of a queue shares one journal and one store. A
worker is one studio in one process. Temporal's library runs under asyncio only, and so does this package.

    client = await connect("127.0.0.1:7233")
    async with Studio() as studio:
        handle = await start_episode(client, studio, Episode.load("rain/episode.toml"), takes=2)
    async for state in follow(handle):
        print(state["phase"])

Workflows are loaded in a sandbox, again for every run, so nothing is imported here before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dramagen.temporal.client import connect, follow, running_episode, start_episode, start_shot
    from dramagen.temporal.work import worker

__all__ = ["QUEUE", "connect", "follow", "running_episode", "start_episode", "start_shot", "worker"]

QUEUE = "dramagen"
"""The task queue where none is named."""

_HOMES = {
    "connect": "client",
    "follow": "client",
    "running_episode": "client",
    "start_episode": "client",
    "start_shot": "client",
    "worker": "work",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dramagen.temporal' has no attribute {name!r}")
    return getattr(import_module(f"dramagen.temporal.{_HOMES[name]}"), name)
