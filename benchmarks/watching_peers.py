"""Jobs in flight: this library and others, each at the same vendor and as its own defaults have it.

python benchmarks/watching_peers.py [--jobs 300] [--peers openai fal-client ...] [--at-once 3] [--json]

The load is that of ``watching.py``: jobs of 20 s sent evenly over 60 s to a vendor that answers after 150 ms, a wave
before it not counted. Each library waits as it does by itself, or as a vendor's page does it (``waits_by``; see
``waiting.py``), through its API for asyncio. Nobody fetches the clips. ``lag`` ends with the verdict in the caller's
hands; this library's only once it is on disk. ``cpu_ratio``: the other's processor time over this library's.
Vendors are measured ``--at-once``, each with a server of its own: most of the time is spent waiting for jobs.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from inflight import Load
from peers import PEERS, Peer
from report import Row, machine, table
from waiting import WAITERS
from watching import Vendor, measured


@dataclass(frozen=True)
class Order:
    """What this library is asked for at a vendor: the model the others order there (``peer.py``), as they do."""

    pin: str
    film: str


ORDERS = {
    "sora": Order("sora/sora-2", "4/720p"),
    "seedance": Order("seedance/seedance-2.0", "5/480p"),
    "seedance@intl": Order("seedance:intl/seedance-2.0", "5/480p"),
    "wan": Order("wan/wan-3.0", "5/480p"),
    "fal": Order("fal/kling-3.0", "3/1080p"),
    "replicate": Order("replicate/kling-3.0", "3/1080p"),
}
"""By the vendor of a peer."""


def ours(order: Order, load: Load) -> Row:
    """This library's row at a vendor."""
    row: Row = {"library": "dramagen", "version": "this checkout", "waits_by": "shoot", "order": order.pin}
    return row | measured(Vendor(), load, "dramagen", "--pin", order.pin, "--film", order.film)


def theirs(peer: Peer, how: str, load: Load) -> Row:
    """A peer's row; why there is none where it cannot be installed, or fails."""
    row: Row = {
        "library": peer.name,
        "version": peer.version,
        "waits_by": how,
        "order": ORDERS[peer.vendor].pin,
    }
    why = peer.install()
    if why is not None:
        return row | {"cpu_s": why}
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    try:
        return row | measured(
            Vendor(), load, peer.name, "--how", how,
            script="waiting.py", python=str(peer.interpreter), environment=clean,
        )  # fmt: skip
    except subprocess.CalledProcessError:
        return row | {"cpu_s": "fails here"}


def rows(vendor: str, names: list[str], load: Load) -> Iterator[Row]:
    """At a vendor this library, then every peer there, each in each of its ways."""
    peers = [peer for peer in PEERS if peer.vendor == vendor and peer.name in names]
    if not peers:
        return
    own = ours(ORDERS[vendor], load) | {"cpu_ratio": 1.0}
    yield own
    for peer in peers:
        for how in WAITERS[peer.name]:
            row = theirs(peer, how, load)
            yield row | ({"cpu_ratio": round(row["cpu_s"] / own["cpu_s"], 2)} if "jobs" in row else {})


def told(vendor: str, names: list[str], load: Load) -> list[Row]:
    """The same, each row said as it comes."""
    found = []
    for row in rows(vendor, names, load):
        print(row, file=sys.stderr)
        found.append(row)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [peer.name for peer in PEERS]
    parser.add_argument("--peers", nargs="+", choices=names, default=names)
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--over", type=float, default=60.0, help="seconds in which they are sent")
    parser.add_argument("--warm-up", type=int, default=20, help="jobs of the wave before")
    parser.add_argument("--at-once", type=int, default=3, help="vendors")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    load = Load(asked.jobs, asked.over, asked.warm_up)
    about = machine() | {
        "latency_s": Vendor().latency, "seconds": Vendor().seconds, "vendors_at_once": asked.at_once,
    }  # fmt: skip
    with ThreadPoolExecutor(asked.at_once) as pool:
        groups = pool.map(lambda vendor: told(vendor, asked.peers, load), ORDERS)
        measured_rows = [row for group in groups for row in group]
    if asked.json:
        print(json.dumps(about | {"rows": measured_rows}, indent=1))
        return
    print(", ".join(f"{name}: {value}" for name, value in about.items()))
    print(f"\n{table(measured_rows)}")


if __name__ == "__main__":
    main()
