"""What an episode decides, without a server: what is due, what a word means, when it is over."""

import random
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from dramagen.temporal.board import Board
from dramagen.temporal.records import EpisodeOrder, ShotOrder, ShotStory, Taken


def board(shots: str = "a b<a c", **known: Any) -> Board:
    """``b<a``: b continues from a."""
    listed = [each.partition("<") for each in shots.split()]
    orders = [
        ShotOrder(name, {"prompt": name}, continues or None, ends_on="e" if continues else None)
        for name, _, continues in listed
    ]
    return Board(EpisodeOrder("雨夜", orders, "j", **{"takes": 2} | known))


def clip(name: str) -> Taken:
    return Taken(
        clip=f"/clips/{name}", host="h", sha256=name, job_id=f"job-{name}", route="r", duration=4.0, width=480,
        height=864, fps=24.0, cost={"amount": "1", "currency": "CNY"}, cached=False, frame=f"last-{name}",
    )  # fmt: skip


def film(board: Board) -> list[str]:
    """Film whatever is due; what that was."""
    done = []
    while (due := board.due()) is not None:
        board.began(*due)
        board.filmed(*due, clip(f"{due[0]}{due[1]}"))
        done.append(f"{due[0]}{due[1]}")
    return done


def test_a_shot_that_continues_waits_for_the_pick_and_starts_on_its_frame() -> None:
    episode = board()
    assert film(episode) == ["a1", "a2", "c1", "c2"]
    assert episode.to_json()[1]["waits_for"] == "a"
    assert episode.pick("a", 2) is None
    assert film(episode) == ["b1", "b2"]
    assert episode.shot("b", 1) == {
        "prompt": "b", "first_frame": {"sha256": "last-a2"}, "last_frame": {"sha256": "e"},
    }  # fmt: skip
    assert not episode.complete()
    assert (episode.pick("b", 1), episode.pick("c", 1)) == (None, None)
    assert episode.complete()
    assert [(each.id, each.take) for each in episode.chosen()] == [("a", 2), ("b", 1), ("c", 1)]


def test_a_rejected_take_is_followed_by_another() -> None:
    episode = board("a")
    film(episode)
    episode.pick("a", 1)
    assert episode.reject("a", 1, "face drifts") is None
    assert not episode.complete()
    assert episode.reject("a", 1, "again") == "take 1 of a is rejected already"
    assert film(episode) == ["a3"]
    assert [(word.job_id, word.accepted, word.reason) for word in episode.words] == [
        ("job-a1", True, ""),
        ("job-a1", False, "face drifts"),
    ]
    assert episode.pick("a", 1) is None  # a person may change their mind
    assert episode.complete()


def test_another_pick_of_the_shot_before_films_nothing_by_itself() -> None:
    episode = board("a b<a")
    film(episode)
    episode.pick("a", 1)
    film(episode)
    episode.pick("b", 1)
    assert episode.complete()
    episode.pick("a", 2)
    assert (episode.complete(), episode.due()) == (False, None)
    assert [take["stale"] for take in episode.to_json()[1]["takes"]] == [True, True]
    assert episode.retake("b") is None
    assert film(episode) == ["b3"]
    assert episode.shot("b", 3)["first_frame"] == {"sha256": "last-a2"}
    episode.pick("b", 1)  # seen beside the other one, and taken all the same
    assert episode.complete()


@pytest.mark.parametrize(("error", "again"), [("ContentRejected", "a2"), ("BudgetExceeded", "a1")])
def test_after_a_verdict_another_take_is_filmed_else_the_same_one(error: str, again: str) -> None:
    words: list[Callable[[Board], str | None]] = [lambda b: b.retake("a"), lambda b: b.reject("a", 1, "")]
    for word in words:
        episode = board("a", takes=1)
        episode.began("a", 1)
        episode.failed("a", 1, {"error": error, "message": "no"})
        assert (episode.due(), episode.pick("a", 1)) == (None, "take 1 of a is not filmed")
        assert word(episode) is None
        assert film(episode) == [again]


def taken(episode: Board, shot: str = "a") -> list[int]:
    return [this.take for this in episode.stories[shot].takes]


def test_a_retake_that_is_sent_twice_is_one_wish() -> None:
    episode = board("a")
    film(episode)
    assert episode.retake("a", 2) is None
    assert episode.retake("a", 2) == "take 3 of a is under way already"
    assert film(episode) == ["a3"]
    assert episode.retake("a", 2) == "take 3 of a is filmed already"
    assert episode.retake("a", 3) is None
    assert film(episode) == ["a4"]
    assert episode.retake("a", 9) == "a has no take 9"


def test_without_a_number_a_take_that_nobody_saw_yet_is_the_one_asked_for() -> None:
    episode = board("a")
    assert episode.retake("a") == "take 2 of a is under way already"
    film(episode)
    assert (episode.retake("a"), episode.retake("a")) == (None, "take 3 of a is under way already")
    episode.began("a", 3)
    assert episode.retake("a") == "take 3 of a is under way already"
    episode.filmed("a", 3, clip("a3"))
    assert episode.retake("a") is None
    assert film(episode) == ["a4"]


def test_who_knows_what_is_under_way_may_want_more_all_the_same() -> None:
    episode = board("a")
    episode.began("a", 1)
    assert episode.retake("a", 2) is None
    assert film(episode) == ["a2", "a3"]


@pytest.mark.parametrize("error", ["ContentRejected", "BudgetExceeded"])
@pytest.mark.parametrize("word", [lambda b: b.reject("a", 1, ""), lambda b: b.retake("a", 1)])
def test_trying_again_what_failed_is_one_wish_too(error: str, word: Callable[[Board], str | None]) -> None:
    episode = board("a", takes=1)
    for _ in range(2):  # it may fail again, and be tried again then
        begun = len(taken(episode))
        episode.began("a", 1)
        episode.failed("a", 1, {"error": error, "message": "no"})
        assert word(episode) is None
        assert word(episode) is not None
        assert len(taken(episode)) == (2 if error == "ContentRejected" else begun)
        if error == "ContentRejected":
            break


@pytest.mark.parametrize("words", sorted(set(permutations(["pick", "reject", "reject"]))))
def test_words_that_come_twice_or_out_of_order_film_one_take_at_most(words: tuple[str, ...]) -> None:
    episode = board("a")
    film(episode)
    for word in words:
        episode.pick("a", 1) if word == "pick" else episode.reject("a", 1, "no")
    assert taken(episode) == [1, 2, 3]
    assert film(episode) == ["a3"]
    for word in words:
        episode.pick("a", 1) if word == "pick" else episode.reject("a", 1, "no")
    assert film(episode) == []


def test_a_run_from_before_goes_on_as_it_went() -> None:
    episode = board("a")
    film(episode)
    assert (episode.retake("a", once=False), episode.retake("a", once=False)) == (None, None)
    assert film(episode) == ["a3", "a4"]


def test_nobody_is_waited_for_where_nobody_is_asked() -> None:
    episode = board(takes=1, wait=False)
    assert film(episode) == ["a1", "b1", "c1"]
    assert episode.complete()


def test_what_was_said_before_is_kept() -> None:
    orders = [ShotOrder("a", {"prompt": "a"}, pick=3), ShotOrder("b", {"prompt": "b"}, rejected=[1])]
    episode = Board(EpisodeOrder("雨夜", orders, "j", takes=1))
    assert film(episode) == ["a3", "b2"]
    assert [shot["pick"] for shot in episode.to_json()] == [3, None]


@pytest.mark.parametrize(
    ("word", "why"),
    [
        (("pick", "x", 1), "there is no shot x"),
        (("pick", "a", 9), "a has no take 9"),
        (("reject", "a", 2, ""), "take 2 of a is not filmed"),
        (("retake", "b"), "b waits for a pick of a"),
        (("retake", "x"), "there is no shot x"),
    ],
)
def test_a_word_that_means_nothing_changes_nothing(word: tuple[Any, ...], why: str) -> None:
    episode = board("a b<a")
    before = episode.changes
    name, *rest = word
    assert getattr(episode, name)(*rest) == why
    assert episode.changes == before


@pytest.mark.parametrize("word", ["pick", "reject", "retake"])
@pytest.mark.parametrize("said", [(), (None, 1), (["a"], 1), ("a", "1"), ("a", {}), ("a", 1, "no", 4)])
def test_what_cannot_be_read_is_remarked(word: str, said: tuple[Any, ...]) -> None:
    pytest.importorskip("temporalio", reason="pip install 'dramagen[temporal]'")
    from dramagen.temporal.workflows import FilmEpisode

    episode = FilmEpisode(EpisodeOrder("雨夜", [ShotOrder("a", {"prompt": "a"})], "j"))
    before = episode.state()
    getattr(episode, word)(*said)
    told = episode.state()
    (why,) = told.pop("ignored")
    assert why.startswith(f"{word} is said of a shot's id")
    assert told == before


@pytest.mark.parametrize("seed", range(30))
def test_continued_elsewhere_it_goes_on_the_same(seed: int) -> None:
    """A board made from another's stories decides as the other does, whatever was said."""
    chance = random.Random(seed)
    episode = board("a b<a c d<b", takes=chance.randint(1, 3))
    for _ in range(25):
        film(episode)
        shot, take = chance.choice("abcd"), chance.randint(1, 4)
        match chance.randrange(3):
            case 0:
                episode.pick(shot, take)
            case 1:
                episode.reject(shot, take, "no")
            case _:
                episode.retake(shot)
        stories: list[ShotStory] = list(episode.stories.values())
        order = EpisodeOrder(**vars(episode._order) | {"story": stories})
        twin = Board(order)
        assert twin.to_json() == episode.to_json()
        assert (twin.due(), twin.complete(), twin.chosen()) == (
            episode.due(),
            episode.complete(),
            episode.chosen(),
        )
        numbers = [[take["take"] for take in shot["takes"]] for shot in episode.to_json()]
        assert all(len(set(each)) == len(each) for each in numbers)
