"""Filming an episode: order, failures, picks, and what is left in the folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from dramagen.episode import Episode, film
from dramagen.episode.frames import size, stand_in
from dramagen.episode.outlook import look_ahead
from dramagen.episode.picks import Picks, load_picks, save_picks
from dramagen.episode.reel import NotFilmed, Reel
from dramagen.episode.takes import clip_of, film_takes, takes_ahead
from dramagen.errors import BudgetExceeded, ConfigError, JobFailed, OutcomeUnknown
from dramagen.media.frames import extract_frame
from dramagen.media.picture import picture_facts
from dramagen.media.probe import probe
from dramagen.money import Money, total
from dramagen.shot import Shot

pytestmark = [pytest.mark.anyio, pytest.mark.matrix(of="anyio_backend")]


@pytest.fixture
def episode(write: Callable[..., Path]) -> Episode:
    return Episode.load(write())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


async def test_it_leaves_clips_a_film_a_sheet_and_a_manifest(crew: Any, episode: Episode, out: Path) -> None:
    manifest = await film(crew, episode, out)
    document = json.loads((out / "manifest.json").read_bytes())
    assert document == manifest.to_json()
    assert set(document) == {"episode", "shots", "total"}
    assert [shot["clip"] for shot in document["shots"]] == [f"clips/s0{n}-t1.mp4" for n in (1, 2, 3, 4)]
    assert set(document["shots"][0]) == {
        "id", "take", "clip", "sha256", "route", "duration", "cost", "cached", "job_id",
    }  # fmt: skip
    assert document["shots"][0]["cost"] == {"amount": "1.50", "currency": "CNY"}
    assert document["total"] == {
        "spent_now": [{"amount": "6.00", "currency": "CNY"}],
        "value": [{"amount": "6.00", "currency": "CNY"}],
        "unknown": [],
    }
    facts = probe(out / "episode.mp4")
    assert (facts.width, facts.height, facts.frames, facts.has_audio) == (64, 96, 40, False)
    assert (out / "contact-sheet.png").read_bytes().startswith(b"\x89PNG")
    assert not (episode.path or out).with_name("episode.picks.json").exists()


async def test_a_shot_starts_on_the_last_frame_of_the_one_it_continues(
    crew: Any, episode: Episode, out: Path
) -> None:
    await film(crew, episode, out)
    frame = crew.shots["s02", 1].first_frame
    assert frame.read() == extract_frame(out / "clips/s01-t1.mp4", "last")
    assert crew.shots["s04", 1].first_frame is None


async def test_again_costs_nothing_and_cuts_nothing(crew: Any, episode: Episode, out: Path) -> None:
    await film(crew, episode, out)
    made = (out / "episode.mp4").stat().st_mtime_ns
    steps: list[str] = []
    manifest = await film(crew, episode, out, on_progress=lambda step: steps.append(step.kind))
    assert len(crew.filmed) == 4
    assert all(shot.cached for shot in manifest.shots)
    assert manifest.spent_now == ()
    assert manifest.value == (Money("6.00 CNY"),)
    assert (out / "episode.mp4").stat().st_mtime_ns == made
    assert "cutting" not in steps


async def test_two_that_film_it_at_once_tell_of_each_shots_money_once(
    crew: Any, episode: Episode, tmp_path: Path
) -> None:
    manifests = []

    async def one(out: Path) -> None:
        manifests.append(await film(crew, episode, out))

    async with anyio.create_task_group() as group:
        for name in "ab":
            group.start_soon(one, tmp_path / name)
    assert len(crew.filmed) == 4
    assert total(money for manifest in manifests for money in manifest.spent_now) == (Money("6.00 CNY"),)
    for manifest in manifests:
        assert manifest.spent_now == total(shot.cost for shot in manifest.shots if not shot.cached)


async def test_the_frame_stays_the_same_whatever_a_codec_does_later(
    crew: Any, episode: Episode, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await film(crew, episode, out)
    monkeypatch.setattr("dramagen.episode.frames.extract_frame", lambda path, which: b"another codec")
    await film(crew, episode, out)
    assert len(crew.filmed) == 4


async def test_a_failure_stops_no_other_shot_and_leaves_those_after_it_waiting(
    crew: Any, episode: Episode, out: Path
) -> None:
    crew.failing["s01"] = JobFailed("no")
    manifest = await film(crew, episode, out)
    assert [shot.id for shot in manifest.shots] == ["s04"]
    assert [(f.id, f.waits_for) for f in manifest.failures] == [("s01", None), ("s02", "s01"), ("s03", "s02")]
    assert (out / "episode.mp4").exists()
    crew.failing.clear()
    assert len((await film(crew, episode, out)).shots) == 4
    assert crew.filmed.count(("s04", 1)) == 1


async def test_money_whose_fate_is_unknown_is_told(crew: Any, episode: Episode, out: Path) -> None:
    crew.failing["s01"] = OutcomeUnknown("lost", at_risk=Money("2 USD"))
    crew.failing["s04"] = BudgetExceeded("cap")
    manifest = await film(crew, episode, out)
    assert manifest.unknown == (Money("2 USD"),)
    assert not (out / "episode.mp4").exists()
    assert (out / "manifest.json").exists()


async def test_the_film_has_sound_where_a_clip_has_and_the_size_most_of_it_has(
    crew: Any, episode: Episode, out: Path
) -> None:
    crew.audible = frozenset({"s02"})
    crew.sizes["s04"] = (96, 64)
    await film(crew, episode, out)
    facts = probe(out / "episode.mp4")
    assert (facts.width, facts.height, facts.has_audio) == (64, 96, True)


async def test_another_pick_keeps_or_films_again_and_never_loses_a_take(
    crew: Any, episode: Episode, out: Path
) -> None:
    assert episode.path is not None
    await film(crew, episode, out)
    ahead = await takes_ahead(crew, episode, "s01", 3, Picks(), out)
    assert ahead.takes == (1, 2, 3)
    assert ahead.plan.most == Money("3.00 CNY")
    done, failed = await film_takes(crew, episode, ahead, out, lambda step: None)
    assert ([shot.cached for shot in done], failed) == ([True, False, False], [])
    save_picks(episode.path, load_picks(episode.path).picked("s01", 2))

    kept = await film(crew, episode, out)
    assert kept.stale == ("s02", "s03")
    assert [shot.take for shot in kept.shots] == [2, 1, 1, 1]
    assert len(crew.filmed) == 6

    ahead_of = await look_ahead(crew, episode, load_picks(episode.path), out, refilm=True)
    assert ahead_of.stale == ()
    assert ahead_of.plan.most == Money("3.00 CNY")
    again = await film(crew, episode, out, refilm=True)
    assert [shot.take for shot in again.shots] == [2, 2, 2, 1]
    assert again.stale == ()
    assert {path.name for path in (out / "clips").iterdir()} == {
        "s01-t1.mp4", "s01-t2.mp4", "s01-t3.mp4", "s02-t1.mp4", "s02-t2.mp4",
        "s03-t1.mp4", "s03-t2.mp4", "s04-t1.mp4",
    }  # fmt: skip

    save_picks(episode.path, load_picks(episode.path).picked("s01", 1))
    back = await film(crew, episode, out)
    assert [shot.take for shot in back.shots] == [1, 1, 1, 1]
    assert back.stale == ()
    assert len(crew.filmed) == 8


async def test_a_plan_knows_what_is_paid_already(crew: Any, episode: Episode, out: Path) -> None:
    before = await look_ahead(crew, episode, Picks(), out)
    assert before.plan.most == Money("6.00 CNY")
    assert crew.filmed == []
    await film(crew, episode, out)
    after = await look_ahead(crew, episode, Picks(), out)
    assert after.plan.most == Money("0 CNY")
    elsewhere = await look_ahead(crew, episode, Picks(), out.with_name("elsewhere"))
    assert elsewhere.plan.most == Money("0 CNY")
    assert len(crew.filmed) == 4


async def test_takes_of_a_shot_whose_beginning_is_not_filmed_yet(
    crew: Any, episode: Episode, out: Path
) -> None:
    with pytest.raises(NotFilmed, match="s02 continues from s01"):
        await takes_ahead(crew, episode, "s02", 2, Picks(), out)
    assert crew.filmed == []


async def test_the_clip_of_a_take_is_found_again(crew: Any, episode: Episode, out: Path) -> None:
    await film(crew, episode, out)
    clip = await clip_of(crew, episode, "s03", 1, Picks(), out)
    assert clip is not None
    assert clip.sha256 == Reel.load(out).takes["s03"][1].sha256
    assert await clip_of(crew, episode, "s03", 2, Picks(), out) is None
    assert len(crew.filmed) == 4


async def test_every_shot_goes_where_it_is_pinned(crew: Any, episode: Episode, out: Path) -> None:
    await film(crew, episode, out, pin="kling")
    assert {shot.pin for shot in crew.shots.values()} == {"kling"}


async def test_a_damaged_reel_is_told(crew: Any, episode: Episode, out: Path) -> None:
    await film(crew, episode, out)
    (out / ".reel.json").write_text("{")
    with pytest.raises(ConfigError, match=r"\.reel\.json"):
        await film(crew, episode, out)


@pytest.mark.parametrize(
    ("ratio", "tier", "pixels"),
    [("9:16", "720p", (720, 1280)), ("16:9", "1080p", (1920, 1080)), ("1:1", "2k", (1440, 1440))],
)
async def test_the_stand_in_has_the_size_of_the_shot(ratio: str, tier: str, pixels: tuple[int, int]) -> None:
    shot = Shot("p", aspect_ratio=ratio, resolution=tier)
    facts = picture_facts(stand_in(shot).read())
    assert (facts.width, facts.height) == pixels == size(shot)


async def test_two_processes_may_film_into_one_folder(crew: Any, episode: Episode, out: Path) -> None:
    await film(crew, episode, out)
    mine, theirs = Reel.load(out), Reel.load(out)
    take = mine.takes["s04"][1]
    theirs.keep("s04", 2, take)
    theirs.note_cut("theirs")
    mine.keep("s04", 3, take)
    assert set(Reel.load(out).takes["s04"]) == {1, 2, 3}
    assert Reel.load(out).cut == "theirs"
