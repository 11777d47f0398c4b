"""Queues and job states, computed lazily from virtual time."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen.emulator import ManualClock, ScaledClock
from dramagen.emulator.media import ClipSpec
from dramagen.emulator.state import Job, Lane, charge, jitter
from dramagen.emulator.world import plain


def _job(name: str, created: float = 0, seconds: float = 100, **more: float) -> Job:
    return Job(
        id=name,
        model="m",
        price=Decimal(3),
        created=created,
        seconds=seconds,
        clip=ClipSpec(2, 2, 1),
        warmup=more.pop("warmup", 3),
        expires=more.pop("expires", math.inf),
        priority=int(more.pop("priority", 0)),
    )


jobs = st.lists(
    st.builds(
        lambda created, seconds, priority, expires: (created, seconds, priority, created + expires),
        st.integers(0, 500),
        st.integers(1, 200),
        st.integers(0, 9),
        st.integers(10, 2000),
    ),
    max_size=12,
)


@given(jobs, st.integers(1, 4), st.lists(st.integers(0, 3000), max_size=10))
def test_looking_more_often_changes_nothing(
    asked: list[tuple[int, int, int, int]], slots: int, looks: list[int]
) -> None:
    def outcome(moments: list[int]) -> list[tuple[float | None, str]]:
        lane = Lane(slots)
        waiting = sorted(enumerate(asked), key=lambda each: each[1][0])
        made = []
        for at, (created, seconds, priority, expires) in waiting:
            for moment in [each for each in moments if each < created]:
                lane.advance(moment)
            lane.advance(created)
            job = _job(str(at), created, seconds, priority=priority, expires=expires)
            lane.add(job)
            made.append(job)
        for moment in moments:
            lane.advance(moment)
        lane.advance(4000)
        return [(job.starts, job.state(4000)) for job in made]

    assert outcome(sorted(looks)) == outcome([])


@given(jobs, st.integers(1, 4))
def test_never_more_running_than_slots(asked: list[tuple[int, int, int, int]], slots: int) -> None:
    lane = Lane(slots)
    made = [_job(str(at), *job[:2], priority=job[2], expires=job[3]) for at, job in enumerate(sorted(asked))]
    for job in made:
        lane.advance(job.created)
        lane.add(job)
    lane.advance(10_000)
    for job in made:
        assert sum(other.state(job.starts) == "running" for other in made if job.starts is not None) <= slots
        assert job.state(10_000) in ("succeeded", "expired")


def test_states_in_order() -> None:
    lane, job = Lane(1), _job("a")
    lane.add(job)
    lane.advance(1000)
    assert list(job.history(1000)) == [("queued", 0), ("running", 3), ("succeeded", 103)]
    assert [job.state(at) for at in (0, 3, 102, 103)] == ["queued", "running", "running", "succeeded"]


def test_only_a_living_or_succeeded_job_is_charged() -> None:
    job = _job("a", expires=50)
    Lane(1).add(job)
    assert charge(job, 10) == 3
    assert charge(job, 50) == 0


def test_a_finished_job_cannot_be_stalled() -> None:
    lane, job = Lane(math.inf), _job("a")
    lane.add(job)
    lane.advance(200)
    job.stall(200)
    assert job.state(10_000) == "succeeded"


@given(st.text(), st.floats(0, 100), st.floats(1, 100))
def test_jitter_is_a_function_of_the_name(name: str, low: float, width: float) -> None:
    assert low <= jitter(name, low, low + width) <= low + width
    assert jitter(name, low, low + width) == jitter(name, low, low + width)


@pytest.mark.parametrize(
    ("amount", "text"), [("5.0094", "5.0094"), ("4.0", "4"), ("0", "0"), ("1E+2", "100"), ("100", "100")]
)
def test_amounts_are_plain(amount: str, text: str) -> None:
    assert plain(Decimal(amount)) == text


def test_clocks() -> None:
    manual = ManualClock(100)
    manual.advance(5)
    assert manual.now() == manual.stamp(105) == 105
    with pytest.raises(ValueError, match="back"):
        manual.advance(-1)
    with pytest.raises(ValueError, match="speed"):
        ScaledClock(0)
    scaled = ScaledClock(1000)
    start = scaled.now()
    assert scaled.stamp(start + 3600) - scaled.stamp(start) == pytest.approx(3.6)
