"""Turns, ceilings and breakers through a whole studio in virtual time, and what people are told of them."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import anyio
import httpx
import pytest

from dramagen import Budget
from dramagen.config import Limits
from dramagen.engine.limits import gate as gates
from dramagen.engine.limits.admission import decide
from dramagen.errors import (
    AuthError,
    BudgetExceeded,
    ConcurrencyLimited,
    ConfigError,
    InsufficientBalance,
    ProviderUnavailable,
    RateLimited,
)
from dramagen.events import Event
from dramagen.testing.fake import TASKS

pytestmark = pytest.mark.anyio

FULL = (429, "QuotaExceeded")
BUSY = (429, "RateLimitExceeded.EndpointRPMExceeded")
DOWN = (0, "nobody answers the door")
ARREARS = (403, "AccountOverdueError")
KEY = (401, "AuthenticationError")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "LOOK", 0.02)


class Vendor(httpx.AsyncBaseTransport):
    """The fake vendor with room for so many jobs, or that refuses every create in one way.

    ``running``: jobs that nobody has heard the end of; ``moments``: when each create came; ``peak``: most at once;
    ``quorum``: so many creates have to be there before the first of them is answered; ``together``: most that were.
    """

    def __init__(self, stage: Any, room: int = 10**6) -> None:
        self.stage, self.room = stage, room
        self.refusing: tuple[int, str] | None = None
        self.headers: dict[str, str] = {}
        self.running: set[str] = set()
        self.peak = self.refused = 0
        self.moments: list[float] = []
        self.quorum = self.answered = self.together = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        creating = request.method == "POST" and request.url.path == TASKS
        if creating:
            self.moments.append(self.stage.clock.now())
            self.together = max(self.together, len(self.moments) - self.answered)
            await until(lambda: len(self.moments) >= self.quorum)
            self.answered += 1
            refusal = self.refusing or (FULL if len(self.running) >= self.room else None)
            if refusal is not None:
                self.refused += 1
                if refusal is DOWN:
                    raise httpx.ConnectError(DOWN[1], request=request)
                body = {"error": {"code": refusal[1], "message": "as the test asked"}}
                return httpx.Response(refusal[0], json=body, headers=self.headers)
        response: httpx.Response = await self.stage.vendor.handle_async_request(request)
        if creating:
            self.running.add(response.json()["id"])
            self.peak = max(self.peak, len(self.running))
        elif request.method == "GET" and request.url.path.startswith(TASKS):
            self.running.discard(request.url.path.rpartition("/")[2])
            self.running.difference_update(request.url.params.get_list("filter.task_ids"))
        return response


async def until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(120):
        while not true():  # noqa: ASYNC110 - what becomes true is another task's doing, or another process's
            await anyio.sleep(0.005)


def table(studio: Any, name: str) -> list[dict[str, Any]]:
    """A table of the limits, as it stands."""
    with studio._books.journal() as journal:
        rows: list[dict[str, Any]] = journal.consult(lambda tx: tx.rows(f"SELECT * FROM {name}"))
        return rows


async def test_as_many_as_may_and_no_more(stage: Any) -> None:
    vendor = Vendor(stage)
    vendor.quorum = 3
    async with stage.studio(transport=vendor, limits={"seedance": 3}) as studio:
        assert len(await studio.takes(stage.shot, 9)) == 9
        assert table(studio, "waiting") == []
    assert vendor.peak == 3


def charged(studio: Any) -> float:
    """Until when the creates that were let go have used up what a minute allows, Unix seconds."""
    (due,) = (row["due"] for row in table(studio, "rates") if row["name"].startswith("create "))
    return float(due)


async def test_a_word_on_a_model_goes_before_one_on_its_provider(stage: Any) -> None:
    limits = {"seedance": Limits(concurrency=5, creates_per_minute=7), "seedance-1.0-pro-fast": 2}
    vendor = Vendor(stage)
    vendor.quorum = 2
    begun = stage.clock.now()
    async with stage.studio(transport=vendor, limits=limits) as studio:
        await studio.takes(stage.shot, 8)
        assert charged(studio) - begun >= 8 * 60 / 7 - 0.1
    assert vendor.together == 2
    assert vendor.peak <= 2  # the first may be over before the second has its answer


async def test_creates_of_a_minute_are_spread_over_it(stage: Any) -> None:
    """When they arrive says less: this clock moves on while a create is on its way."""
    vendor = Vendor(stage)
    begun = stage.clock.now()
    limits = {"seedance": Limits(creates_per_minute=6, concurrency=100)}
    async with stage.studio(transport=vendor, limits=limits) as studio:
        await studio.takes(stage.shot, 8)
        assert charged(studio) - begun >= 8 * 10 - 0.1
        assert stage.clock.now() - begun >= 7 * 10 - 0.1


def test_a_rate_of_asking_belongs_to_the_provider(stage: Any) -> None:
    with pytest.raises(ConfigError, match=r"limits\.seedance-1\.0-pro-fast: polls_per_second"):
        stage.studio(limits={"seedance-1.0-pro-fast": Limits(polls_per_second=3)})


async def test_two_studios_ask_no_faster_than_one_may(stage: Any) -> None:
    asked: list[float] = []

    class Asked(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response: httpx.Response = await stage.vendor.handle_async_request(request)
            if request.method == "GET" and request.url.path.startswith(TASKS):
                asked.append(stage.clock.now())
                if len(asked) < 20 and response.json().get("status"):
                    return httpx.Response(200, json=response.json() | {"status": "running"})
            return response

    limits = {"seedance": Limits(polls_per_second=Decimal("0.1"), list_per_second=Decimal("0.1"))}
    async with (
        stage.studio(transport=Asked(), limits=limits) as one,
        stage.studio(transport=Asked(), limits=limits) as two,
        anyio.create_task_group() as group,
    ):
        group.start_soon(one.shoot, stage.shot)
        group.start_soon(two.shoot, stage.shot.changed(prompt="白天"))
    assert len(asked) >= 6
    # One every ten seconds for both together; one let go may be sent a little late, as the clock moves meanwhile.
    assert asked[-1] - asked[0] >= 10 * (len(asked) - 3)


# --- adapting ----------------------------------------------------------------------------------------------


async def test_a_storm_of_refusals_halves_and_recovers(stage: Any) -> None:
    vendor = Vendor(stage, room=3)
    lowest: list[int] = []
    async with stage.studio(transport=vendor, limits={"seedance": 12}) as studio:

        async def watch() -> None:
            while True:
                lowest.extend(row["at_once"] for row in table(studio, "ceilings"))
                await anyio.sleep(0.01)

        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            assert len(await studio.takes(stage.shot, 12)) == 12
            group.cancel_scope.cancel()
        assert vendor.peak == 3
        assert min(lowest) <= 12 / 2
        vendor.room = 100
        before = vendor.refused
        assert len(await studio.takes(stage.shot.changed(prompt="白天"), 30)) == 30
        assert vendor.refused == before
        rises = [row["at_once"] for row in table(studio, "ceilings")]
        assert not rises or rises[0] > min(lowest)
    assert vendor.peak > 3  # it crept up again
    assert vendor.peak <= 12
    assert stage.vendor.billed == 42


async def test_creates_refused_together_are_one_lesson(stage: Any) -> None:
    vendor, together = Vendor(stage, room=0), anyio.Event()
    learnt: list[dict[str, Any]] = []

    class Together(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST" and not together.is_set():
                arrived.append(1)
                if len(arrived) == 8:
                    together.set()
                await together.wait()
            elif request.method == "POST" and not learnt:
                learnt.extend(table(studio, "ceilings"))
                vendor.room = 100
            return await vendor.handle_async_request(request)

    arrived: list[int] = []
    async with stage.studio(transport=Together(), limits={"seedance": 8}) as studio:
        await studio.takes(stage.shot, 8)
    assert vendor.refused == 8
    assert [(row["at_once"], row["strikes"]) for row in learnt] == [(4, 1)]


@pytest.mark.parametrize("refusal", [FULL, BUSY])
async def test_retry_after_is_kept_by_everybody_who_uses_the_key_and_model(stage: Any, refusal: Any) -> None:
    vendor = Vendor(stage)
    vendor.refusing, vendor.headers = refusal, {"retry-after": "40"}
    async with (
        stage.studio(transport=vendor) as one,
        stage.studio(transport=vendor) as two,
        anyio.create_task_group() as group,
    ):

        async def relent() -> None:
            await until(lambda: vendor.refused > 0)
            vendor.refusing = None

        group.start_soon(relent)
        group.start_soon(one.shoot, stage.shot)
        await until(lambda: vendor.refused > 0)
        await two.shoot(stage.shot.changed(prompt="白天"))
    assert vendor.moments[vendor.refused] - vendor.moments[0] >= 40


async def test_a_refusal_that_never_ends_is_the_callers_at_last(stage: Any) -> None:
    vendor = Vendor(stage)
    vendor.refusing = BUSY
    async with stage.studio(transport=vendor) as studio:
        with pytest.raises(RateLimited):
            await studio.shoot(stage.shot)
        vendor.refusing = FULL
        with pytest.raises(ConcurrencyLimited):
            await studio.shoot(stage.shot)
        assert not studio.ledger().reserved
    assert stage.creates == 0


# --- breakers ----------------------------------------------------------------------------------------------


async def test_a_route_that_is_down_is_left_alone_and_looked_at_by_one(stage: Any) -> None:
    vendor = Vendor(stage)
    vendor.refusing = DOWN
    errors: list[Exception] = []
    events: list[Event] = []
    studio = stage.studio(transport=vendor, limits={"seedance": 10})
    studio._on_event = events.append
    async with studio, anyio.create_task_group() as group:

        async def film(number: int) -> None:
            try:
                await studio.shoot(stage.shot.changed(prompt=f"雨夜 {number}"))
            except ProviderUnavailable as error:
                errors.append(error)

        for number in range(30):
            group.start_soon(film, number)
    assert len(errors) == 30
    # Ten leave together; then one goes to see after 30 s and one after 60 s; nobody waits for the 120 s after that.
    assert vendor.refused <= 10 + 5 + 2
    text = str(errors[-1])
    assert "Not sent again before 2026-" in text
    assert "reset_limits()" in text
    assert any(e.kind == "failed" and "Not sent again before" in e.detail for e in events)
    assert any(e.kind == "waiting" and e.reason == "breaker" for e in events)
    async with studio:
        with pytest.raises(ProviderUnavailable, match="Not sent again before"):
            await studio.shoot(stage.shot)
        assert not studio.ledger().reserved
        refused = vendor.refused
        vendor.refusing = None
        await stage.clock.sleep(600)
        await studio.takes(stage.shot, 3)
        assert table(studio, "breakers") == []
    assert vendor.refused == refused


async def test_one_goes_to_see_and_the_others_wait_for_its_word(stage: Any) -> None:
    vendor = Vendor(stage)
    vendor.refusing = DOWN
    async with stage.studio(transport=vendor) as studio:
        with pytest.raises(ProviderUnavailable):
            await studio.shoot(stage.shot)
    [row] = table(stage.studio(), "breakers")
    assert row["opened"]
    await stage.clock.sleep(600)
    vendor.refusing = None
    looks: list[int] = []
    go = anyio.Event()

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST" and request.url.path == TASKS:
                looks.append(1)
                await go.wait()
            return await vendor.handle_async_request(request)

    async with (
        stage.studio(transport=Slow()) as one,
        stage.studio(transport=Slow()) as two,
        anyio.create_task_group() as group,
    ):
        for number, studio in enumerate((one, two, one, two)):
            group.start_soon(studio.shoot, stage.shot.changed(prompt=f"白天 {number}"))
        await until(lambda: bool(looks))
        await anyio.sleep(0.2)
        assert len(looks) == 1
        go.set()
    assert len(looks) == 4


@pytest.mark.parametrize(("refusal", "kind"), [(ARREARS, InsufficientBalance), (KEY, AuthError)])
async def test_what_means_stop_stops_all_that_wait_at_once(stage: Any, refusal: Any, kind: Any) -> None:
    vendor = Vendor(stage)
    vendor.refusing = refusal
    errors: list[Exception] = []
    async with stage.studio(transport=vendor, limits={"seedance": 1}) as studio:
        async with anyio.create_task_group() as group:

            async def film(number: int) -> None:
                try:
                    await studio.shoot(stage.shot.changed(prompt=f"雨夜 {number}"))
                except kind as error:
                    errors.append(error)

            for number in range(12):
                group.start_soon(film, number)
        assert len(errors) == 12
        assert vendor.refused == 1
        assert sum("Not sent again before" in str(error) for error in errors) == 11
        assert all(error.code == refusal[1] for error in errors)  # type: ignore[attr-defined]  # they are typed
        assert not studio.ledger().reserved
        other = stage.shot.changed(pin="seedance/seedance-1.0-pro")
        vendor.refusing = None
        if kind is InsufficientBalance:  # every model of the account
            with pytest.raises(kind):
                await studio.shoot(other)
        studio.reset_limits()
        await studio.shoot(stage.shot)
    assert stage.vendor.billed == 1


async def test_another_key_is_another_chance(stage: Any) -> None:
    vendor = Vendor(stage)
    vendor.refusing = KEY
    async with stage.studio(transport=vendor) as studio:
        with pytest.raises(AuthError):
            await studio.shoot(stage.shot)
    vendor.refusing = None
    async with stage.studio(transport=vendor) as studio:
        with pytest.raises(AuthError, match="Not sent again"):
            await studio.shoot(stage.shot)
    async with stage.studio(transport=vendor, keys={"seedance": "ark-another-of-no-account"}) as studio:
        await studio.shoot(stage.shot)


async def test_a_closed_route_is_passed_over_unless_it_is_pinned(stage: Any) -> None:
    vendor = Vendor(stage)
    shot = stage.shot.changed(pin=None)
    async with stage.studio(transport=vendor, policy="cheapest") as studio:
        before = studio.plan(shot).shots[0]
        first, second = (quote.route for quote in before.attempts[:2])
        vendor.refusing = DOWN
        with pytest.raises(ProviderUnavailable):
            await studio.shoot(stage.shot.changed(pin=first.id))
        vendor.refusing = None
        after = studio.plan(shot)
        assert after.shots[0].attempts[0].route == second
        [refusal] = [r for r in after.shots[0].refusals if r.rule == "breaker"]
        assert refusal.route == first
        assert "Not sent again before" in refusal.reason
        assert (await studio.shoot(shot)).route == second.id
        pinned = studio.plan(shot.changed(pin=first.id)).shots[0]
        assert [quote.route for quote in pinned.attempts] == [first]
        studio.reset_limits()
        assert studio.plan(shot.changed(prompt="白天")).shots[0].attempts[0].route == first


# --- budgets -----------------------------------------------------------------------------------------------


async def test_a_cap_of_a_route_is_its_own(stage: Any) -> None:
    other = stage.shot.changed(pin="seedance/seedance-1.0-pro")
    budgets = (Budget("0.10 USD", per="route"),)
    done: Counter[str] = Counter()
    async with stage.studio(budgets=budgets) as studio:
        for shot in (stage.shot, other):
            for take in range(1, 30):
                try:
                    await studio.shoot(shot, take=take, episode=f"e{take}")
                except BudgetExceeded as full:
                    assert f"of route seedance:cn/{shot.pin.partition('/')[2]}" in str(full)  # noqa: PT017 - of many
                    break
                done[shot.pin] += 1
        spent = studio.ledger().spent
    assert min(done.values()) >= 1
    assert sum(done.values()) == stage.creates
    assert all(money.amount <= 2 * 72 for money in spent)


async def test_reaching_a_cap_lets_what_runs_come_home(stage: Any) -> None:
    async with stage.studio(budgets=(Budget("0.30 CNY", per="day"),)) as studio:
        takes = await studio.takes(stage.shot, 20)
        assert takes
        assert takes.failures
        assert all(isinstance(error, BudgetExceeded) for _, error in takes.failures)
        assert not studio.ledger().reserved
    assert stage.creates == len(takes)


def asked_of(studio: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one for every time the gate asks the database who may go."""
    asked: list[str] = []

    def counted(*args: Any, **kwargs: Any) -> Any:
        asked.append("who")
        return decide(*args, **kwargs)

    monkeypatch.setattr(gates, "decide", counted)
    return asked


async def test_creates_that_come_one_at_a_time_are_asked_about_as_they_are_written_down(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage.studio(limits={"seedance": Limits(concurrency=10)}) as studio:
        asked = asked_of(studio, monkeypatch)
        for number in range(8):
            await studio.shoot(stage.shot.model_copy(update={"prompt": f"shot {number}"}))
        assert stage.creates == 8
        assert len(asked) == 1


async def test_room_that_another_studio_took_meanwhile_is_not_sent_into(stage: Any) -> None:
    vendor = Vendor(stage)
    limits = {"seedance": Limits(concurrency=3)}
    shots = [stage.shot.model_copy(update={"prompt": f"shot {number}"}) for number in range(8)]
    async with (
        stage.studio(limits=limits, transport=vendor) as here,
        stage.studio(limits=limits, transport=vendor) as there,
    ):
        await here.shoot(shots[0])  # two more might have gone, it was told
        await there.shoot(shots[1])
        async with anyio.create_task_group() as group:
            for number, shot in enumerate(shots[2:]):
                group.start_soon((here, there)[number % 2].shoot, shot)
    assert stage.creates == 8
    assert vendor.peak <= 3
