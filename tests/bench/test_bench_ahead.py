"""What a benchmark would cost, where some of it is over already."""

from dataclasses import dataclass
from typing import Any, cast

import pytest

from dramagen.bench.filming import look_ahead, slots
from dramagen.bench.suite import Suite
from dramagen.cli import bench_tables
from dramagen.config import DEFAULT_RATES
from dramagen.errors import NoRoute
from dramagen.money import Money
from dramagen.routing.plan import Plan, ShotPlan
from dramagen.studio import Studio

pytestmark = [pytest.mark.anyio, pytest.mark.matrix(of="anyio_backend")]


@dataclass
class Planner:
    """Stands where a studio would: every take ended like that."""

    ended: str | None

    async def prepare(self, shots: Any) -> None:
        pass

    def plan(self, shots: Any, takes: Any) -> Plan:
        return Plan(
            tuple(ShotPlan(shot, (), (), (), ended=self.ended) for shot in shots), "CNY", DEFAULT_RATES
        )


async def test_takes_that_are_over_are_counted_as_there_and_their_report_is_written_again(
    suite: Suite,
) -> None:
    listed = slots(suite, ["kling/kling-3.0"], 2)
    plan = await look_ahead(cast(Studio, Planner("no usable clip")), listed)
    assert plan.most == Money("0 CNY")
    columns = [next(iter(column.cells)) for column in bench_tables.ahead(plan, listed).columns]
    assert columns == ["kling/kling-3.0", "0", "4", "0", "0.00 CNY", "0.00 CNY"]
    with pytest.raises(NoRoute, match="films no shot of the suite"):
        await look_ahead(cast(Studio, Planner(None)), listed)
