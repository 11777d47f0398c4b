"""An episode whose vendor spoils a clip: what is left of the budget decides where the later shots go."""

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from dramagen import Budget, Config, Episode, Money, Shot, Studio
from dramagen.emulator import Handle, running
from dramagen.engine.intake import shot_from_record
from dramagen.engine.jobs import Job
from dramagen.episode import EpisodeShot, film
from dramagen.episode.outlook import look_ahead
from dramagen.episode.picks import Picks
from dramagen.routing.plan import Plan

pytestmark = pytest.mark.anyio

SPEED = 600.0
BUDGET = Money("2.90 CNY")
"""Enough for three clips of the better model, not for four."""
GOOD, CHEAP = "seedance:cn/seedance-2.0-mini", "seedance:cn/seedance-1.0-pro-fast"
ROUTING = {
    "allow": [GOOD, CHEAP],
    "takes": 1,  # a plan of several takes begins with cheap ones, whatever the budget is
    "remedies": {"defective": ["other_route"]},
}


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Handle]:
    for name in list(os.environ):
        if "proxy" in name.lower():
            monkeypatch.delenv(name)
    with running(speed=SPEED) as handle:
        monkeypatch.setenv("DRAMAGEN_EMULATOR", handle.url)
        yield handle


def in_line() -> Episode:
    """Three shots, each after the one before; scenes of their own, so that none has to keep a model."""
    shots = [
        Shot("雨夜,街口", duration=4, resolution="480p"),
        Shot("女主回头", duration=4, resolution="480p"),
        Shot("她走开", duration=4, resolution="480p", pin=GOOD),
    ]
    lined = [
        EpisodeShot(f"s{n}", shot.changed(id=f"s{n}"), f"s{n - 1}" if n > 1 else None, scene=f"{n}")
        for n, shot in enumerate(shots, 1)
    ]
    return Episode("雨夜", tuple(lined), budget=Budget(BUDGET))


def routes(plan: Plan) -> list[str]:
    return [shot.choice.route.id for shot in plan.shots if shot.choice is not None]


def cost(jobs: list[Job]) -> Money:
    return sum((job.cost or job.reserved for job in jobs), Money.zero("CNY"))


@pytest.mark.matrix
async def test_what_a_spoilt_clip_cost_is_missing_for_the_shots_after_it(
    vendors: Handle, tmp_path: Path
) -> None:
    episode, out = in_line(), tmp_path / "out"
    config = Config(
        home=tmp_path / "home", time_scale=SPEED, routing=ROUTING, budgets=(Budget(BUDGET),), currency="CNY"
    )
    async with Studio(config) as studio:
        before = (await look_ahead(studio, episode, Picks(), out, BUDGET)).plan
        assert routes(before) == [GOOD, GOOD, GOOD]
        assert before.feasible
        # A file is fetched once more where it is broken: the first clip stays so, and is paid for.
        vendors.faults(provider="seedance", on="content", kind="malformed", times=2)
        manifest = await film(studio, episode, out)
        assert manifest.failures == ()

        jobs = studio.jobs()
        assert [(job.shot_id, job.route.id, job.state) for job in jobs] == [
            ("s1", GOOD, "defective"),
            ("s1", CHEAP, "done"),
            ("s2", CHEAP, "done"),
            ("s3", GOOD, "done"),
        ]
        later = [shot_from_record(dict(job.shot), studio.store) for job in jobs[2:]]

        def as_of(left: Money) -> Plan:
            # Other takes than those that are there now, so that they are planned as if they were not.
            return studio.plan(later, left, takes=[2, 2], continuity=episode.continuity)

        # The decision in the journal is the plan within what was left when it was made, ...
        left, without_loss = BUDGET - cost(jobs[:2]), BUDGET - cost(jobs[:1])
        assert left < without_loss
        decision = studio.decision(jobs[2].id)
        assert decision is not None
        assert list(decision.order) == [q.route.id for q in as_of(left).shots[0].attempts]
        # ... not within what would have been left without the loss; and it leaves the pinned shot its money.
        assert routes(as_of(without_loss)) == [GOOD, GOOD]
        assert later[1].pin == GOOD
        assert left - jobs[2].reserved >= jobs[3].reserved

        ledger, bill = studio.ledger(), vendors.bill()
    assert ledger.spent == (cost(jobs),)
    assert cost(jobs) <= BUDGET
    assert not ledger.reserved
    assert not ledger.unknown
    assert [Decimal(row["amount"]) for row in bill] == [
        job.cost.amount for job in jobs if job.cost is not None
    ]
