"""An episode as a workflow: it waits for people, outlives its workers, and its history shows no secret."""

import base64
import functools
import json
import re
import signal
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest

pytest.importorskip("temporalio", reason="pip install 'dramagen[temporal]'")

from temporalio.worker import Replayer

from dramagen import Episode, Studio
from dramagen.media.probe import probe
from dramagen.temporal import connect, start_episode
from dramagen.temporal.client import result, state_of
from dramagen.temporal.workflows import FilmEpisode, FilmShot

pytestmark = pytest.mark.anyio

EPISODE = """\
title = "{title}"

[defaults]
duration = 4
resolution = "480p"
pin = "seedance/seedance-1.0-pro-fast"

[[shot]]
id = "s01"
prompt = "雨夜,街口"
first_frame = "frame.png"

[[shot]]
id = "s02"
prompt = "女主回头"
continues = "s01"

[[shot]]
id = "s03"
prompt = "空街"
"""


SENSELESS: list[Any] = [
    ["pick", "s01"],
    ["pick", "s01", "1"],
    ["pick", "s01", 1, 2],
    ["reject", {"shot": "s01"}, 1],
    ["reject", "s01", 1, {"why": 3}],
    ["retake", "s03", "2"],
    ["retake"],
]
"""Words that whoever wrote a tool of their own may send: none may stop the workflow, or film anything."""


@pytest.fixture
def file(team: Any) -> Path:
    """An episode of three shots, one of which continues another."""
    pillow = pytest.importorskip("PIL.Image")
    folder: Path = team.work / "rain"
    folder.mkdir()
    pillow.new("RGB", (480, 864), "navy").save(folder / "frame.png")
    (folder / "episode.toml").write_text(EPISODE.format(title=f"雨夜 {team.queue}"), "utf-8")
    return folder / "episode.toml"


@pytest.fixture
def pictures(file: Path) -> Iterator[str]:
    """A server of the episode's folder."""
    handler = functools.partial(Quiet, directory=str(file.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


async def start(team: Any, file: Path, **options: Any) -> Any:
    client = await connect(team.address)
    async with Studio(team.config) as studio:
        return await start_episode(
            client,
            studio,
            Episode.load(file),
            queue=team.queue,
            dead_after=2,
            folder=team.work / "out",
            **options,
        )


async def shown(handle: Any, holds: Any) -> Any:
    """The state once it is as said, by shot."""
    with anyio.fail_after(120):
        while True:
            state = await state_of(handle)
            shots = {shot["id"]: shot for shot in state["shots"]}
            if shots and holds(state, shots):
                return shots
            await anyio.sleep(0.1)


def filmed(shot: Any) -> list[int]:
    return [take["take"] for take in shot["takes"] if take["state"] == "filmed"]


async def test_people_pick_while_workers_come_and_go(team: Any, file: Path) -> None:
    async with team.working():
        handle = await start(team, file, takes=2)
        shots = await shown(handle, lambda state, shots: state["phase"] == "waiting")
    assert (filmed(shots["s01"]), filmed(shots["s02"]), filmed(shots["s03"])) == ([1, 2], [], [1, 2])
    assert shots["s02"]["waits_for"] == "s01"

    await handle.signal(FilmEpisode.reject, args=["s03", 1, "face drifts"])  # nobody is there to hear it
    await handle.signal(FilmEpisode.pick, args=["s01", 2])
    await handle.signal(FilmEpisode.pick, args=["s09", 2])
    for senseless in SENSELESS:
        await handle.signal(senseless[0], args=senseless[1:])
    async with team.working():
        shots = await shown(
            handle, lambda state, shots: filmed(shots["s02"]) == [1, 2] and filmed(shots["s03"]) == [2, 3]
        )
        assert {take["before"] for take in shots["s02"]["takes"]} == {2}
        ignored = (await state_of(handle)).get("ignored")
        assert ignored is None or ["is said of" in why for why in ignored] == [
            False,
            *[True] * len(SENSELESS),
        ]

    async with team.working():
        await handle.signal(FilmEpisode.pick, args=["s02", 1])
        await handle.signal(FilmEpisode.pick, args=["s03", 3])
        cut = await result(handle)
    assert [(shot["id"], shot["take"]) for shot in cut["shots"]] == [("s01", 2), ("s02", 1), ("s03", 3)]
    film = probe(Path(cut["folder"]) / "episode.mp4")
    assert film.duration == pytest.approx(12.1, abs=0.2)
    bill = team.paid()
    assert len(bill) == 7
    assert all(row["state"] == "succeeded" for row in bill)
    studio = Studio(team.config)
    reviews = [review for job in studio.jobs() for review in studio.reviews(job.id)]
    assert sorted((r["accepted"], r["reason"]) for r in reviews) == [
        (False, "face drifts"),
        *[(True, "")] * 3,
    ]
    assert [str(money) for money in studio.ledger(cut["episode"]).reserved] == []


async def test_a_history_shows_no_secret_and_replays(
    team: Any, file: Path, pictures: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, signature = "ark-secret-0123456789", "signature-do-not-show"
    monkeypatch.setenv("ARK_API_KEY", key)
    there = anyio.Path(file)
    written = (await there.read_text("utf-8")).replace("frame.png", f"{pictures}/frame.png?{signature}")
    await there.write_text(written, "utf-8")
    async with team.working():
        handle = await start(team, file, takes=1)
        await shown(handle, lambda state, shots: state["phase"] == "waiting")
        for shot in ("s01", "s03"):
            await handle.signal(FilmEpisode.pick, args=[shot, 1])
        await handle.signal(FilmEpisode.reject, args=["s03", 1, "the street is not empty"])
        await shown(handle, lambda state, shots: filmed(shots["s03"]) == [2] and filmed(shots["s02"]) == [1])
        for shot, take in (("s02", 1), ("s03", 2)):
            await handle.signal(FilmEpisode.pick, args=[shot, take])
        await result(handle)
    histories = [history async for history in runs(handle)]
    for number, history in enumerate(reversed(histories), start=1):
        team.record(f"episode-run{number}", history)
    assert len(histories) >= 2, "a long history is continued as another"
    frame = file.with_name("frame.png").read_bytes()
    for history in histories:
        said = "\n".join(texts(json.loads(history.to_json())))
        assert "雨夜" in said
        assert key not in said
        assert signature not in said
        assert "Bearer" not in said
        assert not re.search(r"https?://", said)
        assert base64.b64encode(frame).decode()[:40] not in said
        await Replayer(workflows=[FilmShot, FilmEpisode]).replay_workflow(history)


async def runs(handle: Any) -> Any:
    """The histories of a workflow, the newest first."""
    run = (await handle.describe()).run_id
    client = handle._client
    while run:
        history = await client.get_workflow_handle(handle.id, run_id=run).fetch_history()
        yield history
        run = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id


def texts(value: Any) -> Iterator[str]:
    """Every text of a history; payloads are opened."""
    if isinstance(value, dict):
        if "data" in value and "metadata" in value:
            yield base64.b64decode(value["data"]).decode("utf-8", "replace")
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    elif isinstance(value, str):
        yield value


@pytest.mark.matrix(few=0)
async def test_homes_apart_share_a_database_and_a_store(
    team: Any, file: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture comes from whoever ordered, the frame another shot starts on from a worker that is gone."""
    monkeypatch.setenv("DRAMAGEN_DATABASE", postgres)
    monkeypatch.setenv("DRAMAGEN_STORE", (team.work / "store").as_uri())
    async with team.working(team.work / "one"):
        handle = await start(team, file, takes=1)
        await shown(handle, lambda state, shots: state["phase"] == "waiting")
    async with team.working(team.work / "two"):
        for shot in ("s01", "s03"):
            await handle.signal(FilmEpisode.pick, args=[shot, 1])
        await shown(handle, lambda state, shots: filmed(shots["s02"]) == [1])
        await handle.signal(FilmEpisode.pick, args=["s02", 1])
        cut = await result(handle)
    assert [shot["id"] for shot in cut["shots"]] == ["s01", "s02", "s03"]
    assert len(team.paid()) == 3


@pytest.mark.matrix(few=0)
async def test_the_commands_film_and_pick_an_episode(team: Any, file: Path) -> None:
    run = anyio.to_thread.run_sync
    worker = team.worker()
    name = str(file.relative_to(team.work))
    where = ("--temporal", team.address)
    said = team.work / "said.txt"
    following = team.start("film", name, *where, "--queue", team.queue, "--takes", "1", "--yes", said=said)
    await team.until(lambda: "waiting for a pick of s01, s03" in said.read_text("utf-8"))
    wrong = await run(lambda: team.here("pick", name, "s01", "7", *where))
    assert (wrong.exit_code, "has no take 7" in wrong.stderr) == (2, True), wrong.stderr
    for shot in ("s01", "s03"):
        picked = await run(functools.partial(team.here, "pick", name, shot, "1", *where))
        assert picked.stdout == f"{shot}: take 1 is picked\n", picked.stderr
    await team.until(lambda: "s02  take 1" in said.read_text("utf-8"))
    await run(lambda: team.here("pick", name, "s02", "1", *where))
    assert await run(following.wait) == 0
    assert "episode.mp4" in said.read_text("utf-8")
    assert len(team.paid()) == 3
    worker.send_signal(signal.SIGTERM)
    assert await run(worker.wait) == 0
    again = await run(lambda: team.here("film", name, "--yes", "--json"))
    assert again.exit_code == 0, again.stderr
    assert [shot["cached"] for shot in json.loads(again.stdout)["shots"]] == [True] * 3
    assert len(team.paid()) == 3
