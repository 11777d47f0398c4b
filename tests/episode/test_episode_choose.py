"""Which take is in the episode: picks, rejections, and takes gone stale."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dramagen.episode import Episode
from dramagen.episode.choose import Choice, choose, free_takes
from dramagen.episode.picks import Picks, ShotPicks, load_picks, save_picks, sidecar
from dramagen.errors import ConfigError

ALL = {"s01": {1}, "s02": {1}, "s03": {1}, "s04": {1}}


@pytest.fixture
def episode(write: Callable[..., Path]) -> Episode:
    return Episode.load(write())


def takes(choices: dict[str, Choice]) -> list[int]:
    return [choices[shot_id].take for shot_id in ("s01", "s02", "s03", "s04")]


def stale(choices: dict[str, Choice]) -> list[str]:
    return [shot_id for shot_id, choice in choices.items() if choice.stale]


def test_without_a_word_every_shot_is_on_its_first_take(episode: Episode) -> None:
    assert takes(choose(episode, Picks(), {})) == [1, 1, 1, 1]
    assert stale(choose(episode, Picks(), ALL)) == []


def test_another_pick_makes_everything_that_continues_from_it_stale(episode: Episode) -> None:
    filmed = ALL | {"s01": {1, 2}}
    picks = Picks().picked("s01", 2)
    kept = choose(episode, picks, filmed)
    assert takes(kept) == [2, 1, 1, 1]
    assert stale(kept) == ["s02", "s03"]
    assert takes(choose(episode, picks, filmed, refilm=True)) == [2, 2, 2, 1]


def test_what_was_never_filmed_is_not_stale(episode: Episode) -> None:
    choices = choose(episode, Picks().picked("s01", 2), {"s01": {1, 2}})
    assert takes(choices) == [2, 1, 1, 1]
    assert stale(choices) == []
    assert choices["s02"].before == 2


def test_picking_the_old_take_again_brings_the_old_shots_back(episode: Episode) -> None:
    filmed = {"s01": {1, 2}, "s02": {1, 2}, "s03": {1, 2}, "s04": {1}}
    picks = Picks().started("s02", 2, 2).started("s03", 2, 2)
    assert takes(choose(episode, picks.picked("s01", 2), filmed)) == [2, 2, 2, 1]
    back = choose(episode, picks.picked("s01", 1), filmed)
    assert takes(back) == [1, 1, 1, 1]
    assert stale(back) == []


def test_a_take_the_person_picked_beside_another_stands(episode: Episode) -> None:
    picks = Picks().picked("s01", 2).picked("s02", 1, beside=2)
    choices = choose(episode, picks, ALL | {"s01": {1, 2}})
    assert takes(choices) == [2, 1, 1, 1]
    assert stale(choices) == []
    assert stale(choose(episode, picks.picked("s01", 3), ALL | {"s01": {1, 2, 3}})) == ["s02", "s03"]


def test_a_rejected_take_gives_way_to_the_next(episode: Episode) -> None:
    picks = Picks().rejected("s04", 1, "hands")
    assert takes(choose(episode, picks, ALL))[3] == 2
    assert takes(choose(episode, picks, ALL | {"s04": {1, 3}}))[3] == 3
    assert takes(choose(episode, picks.picked("s04", 1), ALL))[3] == 1


def test_rejecting_the_take_others_continue_from_makes_them_stale_too(episode: Episode) -> None:
    assert stale(choose(episode, Picks().rejected("s01", 1), ALL)) == ["s02", "s03"]


def test_new_takes_of_a_shot_start_where_the_other_now_ends() -> None:
    assert free_takes(ShotPicks(), {1, 2}, None, 3) == (1, 2, 3)
    assert free_takes(ShotPicks(starts_on={2: 2}), {1, 2}, 2, 3) == (2, 3, 4)
    assert free_takes(ShotPicks(starts_on={2: 2}), {1, 2}, 1, 2) == (1, 3)


def test_the_sidecar_keeps_every_word_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "episode.toml"
    save_picks(file, Picks())
    assert not sidecar(file).exists()
    picks = Picks().picked("雨", 2, beside=3).rejected("雨", 1, "脸变了").started("雨", 2, 3)
    save_picks(file, picks)
    assert sidecar(file).name == "episode.picks.json"
    assert "脸变了" in sidecar(file).read_text("utf-8")
    assert load_picks(file) == picks
    assert load_picks(file).rejected("雨", 2).of("雨") == ShotPicks(None, None, {1: "脸变了", 2: ""}, {2: 3})


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"version": 9, "shots": {}}', '{"version": 1, "shots": {"a": {"take": 0}}}']
)
def test_a_damaged_sidecar_is_an_error_not_a_loss(tmp_path: Path, text: str) -> None:
    file = tmp_path / "episode.toml"
    sidecar(file).write_text(text)
    with pytest.raises(ConfigError, match=r"episode\.picks\.json"):
        load_picks(file)
    assert sidecar(file).read_text() == text
