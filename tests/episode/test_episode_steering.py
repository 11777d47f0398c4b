"""An episode is planned again after every result: what is left of the money, and what keeps one model."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from dramagen import Episode, Money, Shot
from dramagen.catalog.route import Route
from dramagen.engine.ledger import Ledger
from dramagen.episode.choose import Choice
from dramagen.episode.model import EpisodeShot
from dramagen.episode.steering import Steering, left_of
from dramagen.errors import BudgetExceeded, InvalidShot
from dramagen.routing.episode_items import Continuity


def episode(*shots: EpisodeShot) -> Episode:
    return Episode("rain", shots)


def shot(name: str, continues: str | None = None, **known: Any) -> EpisodeShot:
    return EpisodeShot(name, Shot("雨夜", id=name, pin=known.pop("pin", None)), continues, **known)


def test_chains_and_scenes_keep_one_model() -> None:
    made = episode(
        shot("a"),
        shot("b", "a"),
        shot("c", "b"),
        shot("d"),
        shot("e", scene="roof"),
        shot("f", "e"),
        shot("g", "c", scene="roof"),
    )
    assert made.continuity == Continuity(
        groups={
            "a": "the chain from a", "b": "the chain from a", "c": "the chain from a", "e": "scene roof",
            "f": "scene roof", "g": "scene roof",
        },
        after={"b": "a", "c": "b", "f": "e", "g": "c"},
    )  # fmt: skip


def test_a_scene_is_read_from_the_file_and_stays_when_repinned(tmp_path: Path) -> None:
    file = tmp_path / "episode.toml"
    file.write_text('[[shot]]\nid = "a"\nprompt = "x"\nscene = "roof"\n', "utf-8")
    assert Episode.load(file).repinned("previz").shots[0].scene == "roof"
    file.write_text('[[shot]]\nid = "a"\nprompt = "x"\nscene = 3\n', "utf-8")
    with pytest.raises(InvalidShot, match="scene is a name"):
        Episode.load(file)


class Recording:
    """Plans like the crew it stands before, and keeps what it was asked."""

    def __init__(self, crew: Any) -> None:
        self.crew, self.money = crew, Ledger()
        self.asked: list[tuple[Any, Any]] = []

    def plan(self, shots: Any, budget: Any = None, **known: Any) -> Any:
        if shots:
            self.asked.append((budget, known["continuity"]))
        return self.crew.plan(shots, budget, takes=known.get("takes"))

    def ledger(self, episode: str | None = None) -> Ledger:
        return self.money


@pytest.fixture
def recording(crew: Any) -> Recording:
    return Recording(crew)


def steering(crew: Recording, made: Episode, *budgets: str) -> Steering:
    choices = {each.id: Choice(1) for each in made.shots}
    return Steering(crew, made, choices, [Money(each) for each in budgets])  # type: ignore[arg-type]  # only what it needs


@pytest.mark.anyio
async def test_without_a_budget_or_a_chain_it_says_nothing(recording: Recording) -> None:
    made = episode(shot("a"), shot("b"))
    assert await steering(recording, made).of("a", made.shots[0].shot) is None
    assert recording.asked == []


@pytest.mark.anyio
async def test_shots_pinned_to_a_provider_are_planned_with_the_others(recording: Recording) -> None:
    """The pin leaves a choice of models, and a chain keeps one there too."""
    pinned = episode(shot("a", pin="previz"), shot("b", "a", pin="previz"))
    assert await steering(recording, pinned).of("a", pinned.shots[0].shot) is not None
    assert len(recording.asked) == 1


@pytest.mark.anyio
async def test_shots_that_start_together_share_a_plan_and_a_result_makes_a_new_one(
    recording: Recording,
) -> None:
    made = episode(shot("a"), shot("b"), shot("c"))
    steered = steering(recording, made, "9 CNY", "12 CNY")
    async with anyio.create_task_group() as group:
        for each in made.shots:
            group.start_soon(steered.of, each.id, each.shot)
    assert [budget for budget, _ in recording.asked] == [Money("9 CNY")]
    recording.money = Ledger(spent=(Money("2 CNY"),), reserved=(Money("1 CNY"),), unknown=(Money("1 CNY"),))
    steered.heard("a", filmed=True)
    policy = await steered.of("b", made.shots[1].shot)
    assert [budget for budget, _ in recording.asked] == [Money("9 CNY"), Money("5 CNY")]
    assert policy is not None


@pytest.mark.anyio
async def test_a_shot_the_budget_leaves_out_takes_no_money_from_the_others(recording: Recording) -> None:
    made = episode(shot("a"), shot("b"))
    steered = steering(recording, made, "2 CNY")  # a take is 1.50 CNY
    said: dict[str, Any] = {}
    for each in made.shots:
        try:
            said[each.id] = await steered.of(each.id, each.shot)
        except BudgetExceeded as error:
            said[each.id] = error
    (out,) = [name for name, what in said.items() if isinstance(what, BudgetExceeded)]
    (other,) = said.keys() - {out}
    assert said[other] is not None
    # Nothing is kept for a shot that is not filmed any more.
    steered.heard(other, filmed=False)
    assert await steered.of(out, made.shot(out).shot) is not None


@pytest.mark.anyio
async def test_a_plan_that_a_result_overtakes_is_not_used_again(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = episode(shot("a"), shot("b"))
    steered = steering(recording, made, "9 CNY")
    plan = recording.plan

    def overtaken(*asked: Any, **known: Any) -> Any:
        if asked[0]:
            steered.heard("a", filmed=True)
        return plan(*asked, **known)

    with monkeypatch.context() as patch:
        patch.setattr(recording, "plan", overtaken)
        assert await steered.of("b", made.shots[1].shot) is not None
    await steered.of("b", made.shots[1].shot)
    assert len(recording.asked) == 2


def test_what_is_left_is_never_below_nothing(recording: Recording) -> None:
    recording.money = Ledger(spent=(Money("2 USD"),))
    assert left_of(recording, [Money("9 CNY")], "rain") == Money("0 CNY")  # type: ignore[arg-type]  # as above
    assert left_of(recording, [], "rain") is None  # type: ignore[arg-type]  # as above


@pytest.mark.anyio
async def test_its_policy_keeps_the_plans_order_and_puts_what_is_new_last(recording: Recording) -> None:
    made = episode(shot("a"))
    policy = await steering(recording, made, "9 CNY").of("a", made.shots[0].shot)
    assert policy is not None
    (planned,) = recording.crew.plan([made.shots[0].shot]).shots
    quote = planned.attempts[0]
    new = quote.model_copy(update={"route": Route(provider="new", region="cn", model="m")})
    rates = recording.crew.plan([]).rates
    assert list(policy(made.shots[0].shot, [new, quote], rates)) == [quote, new]
