"""How long jobs took, out of the journal: what an earlier process learnt of a vendor's pace is not learnt again."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dramagen.catalog.order import Order
from dramagen.engine.database import Transaction
from dramagen.engine.service import Service
from dramagen.engine.waiting import Verdict

NEWEST = 500
"""Jobs whose times are looked up."""


def kinds(service: Service, order: Order) -> tuple[str, str]:
    """What an order is like, as to how long it takes: those of its mode, length and size, and all of its model.

    The address is part of it: an emulator takes seconds for what takes its vendor minutes.
    """
    model = f"{service.access.fingerprint}/{service.route.model}"
    return f"{model}/{order.mode}/{order.duration}/{order.resolution}", model


def record(service: Service, order: Order, verdict: Verdict) -> Mapping[str, Any]:
    """What the journal notes of a verdict."""
    if not 0 <= verdict.after <= verdict.by:
        return {}  # first asked about when it may have been over for long
    took = [round(verdict.after, 2), round(verdict.by, 2)]
    return {"took": took, "kinds": kinds(service, order)}


def remembered(tx: Transaction) -> Iterator[tuple[str, float, float]]:
    """Kind, and the seconds a job of it was not over after, and over by; oldest first, of the newest jobs."""
    rows = tx.rows("SELECT data FROM events WHERE kind = 'ready' ORDER BY seq DESC LIMIT ?", (NEWEST,))
    for row in reversed(rows):
        said = json.loads(row["data"])
        if "took" in said:
            for kind in said["kinds"]:
                yield (kind, *said["took"])
