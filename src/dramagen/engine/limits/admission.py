"""Which of the creates that wait may go now: decided in one transaction, so that all processes decide together."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dramagen.engine.database import Transaction
from dramagen.engine.limits import breaker
from dramagen.engine.limits.ceiling import ceiling
from dramagen.engine.limits.line import Line, running
from dramagen.engine.limits.rate import take
from dramagen.errors import DramagenError

FRESH, KEPT = 3.0, 1.0
"""Real seconds: so long is believed what another process says of its waiting jobs; so often it says it again."""

AT_HAND = 16
"""Creates of one line that this process has under way at once, from being let go until their outcome is on disk: what
is announced and not sent is unknown after a crash, the others cost less where they wait, and whoever hears a verdict
has to get at the journal between them."""


class Leaving(Protocol):
    """A create that may go and is not in the journal as sent yet; ``sent`` once it is."""

    episode: str
    sent: bool


@dataclass(slots=True)
class Decision:
    """Who goes, and when to ask again.

    Attributes:
        go: the episode of each create that may go, in order.
        probing: the one that goes is to see whether a breaker can be closed.
        until: Unix seconds before which nothing changes by itself; None where a running job has to end first.
        reason, why: what the others wait for, in one word and in a sentence; none where it is only for a moment.
        error: what they end with instead, where waiting is no use.
        spare: so many more might have gone; none where anybody waits, here or in another process.
    """

    go: list[str] = field(default_factory=list)
    spare: int = 0
    probing: bool = False
    until: float | None = None
    reason: str = "place"
    why: str = ""
    error: DramagenError | None = None


@dataclass(slots=True)
class Crowd:
    """What a process last wrote of its waiting jobs, so that it need not be written each time."""

    jobs: tuple[str, ...] = ()
    at: float = -FRESH


def decide(
    tx: Transaction,
    line: Line,
    me: str,
    waiting: Mapping[str, Sequence[float]],
    leaving: Sequence[Leaving],
    crowd: Crowd,
    now: float,
    written: str | None = None,
) -> Decision:
    """Let as many go as there is room for.

    A place goes to the episode with the fewest jobs running there, then to who came first; an episode that waits
    in another process has its place kept for it.

    Args:
        waiting: when each job was ordered, oldest first, by episode; of many no more than may run at once.
        leaving: creates of this process that were let go before.
        now: Unix seconds.
        written: the episode of a create that is decided about and is in the journal as sent already.
    """
    state = breaker.standing(tx, line, now)
    if state.closed:
        return Decision(until=state.until, error=state.error, reason="breaker", why=state.why)
    limit = ceiling(tx, line, now)
    if limit.until > now:
        return Decision(until=limit.until, reason="pause", why="the vendor refused creates for the moment")
    counts = running(tx, line, now)
    if written is not None:
        counts[written] -= 1
    under_way = Counter(each.episode for each in leaving if not each.sent)
    counts.update(under_way)
    room = sum(map(len, waiting.values()))
    if limit.at_once is not None:
        room = limit.at_once - counts.total()
    if limit.careful or state.probe:
        # The word of one create is waited for before the next is sent.
        room = min(room, 1 if not leaving else 0)
    at_hand = AT_HAND - len(leaving)
    why = "" if at_hand <= room else f"{counts.total()} jobs are running, and {limit.at_once} may"
    room, decision = min(room, at_hand), Decision(why=why)
    if room > 0:
        others = _others(tx, line, me) if limit.at_once is not None else []
        _share(tx, line, decision, room, counts, waiting, others, now)
        if not others and len(decision.go) == sum(map(len, waiting.values())):
            may = AT_HAND if limit.at_once is None else limit.at_once - counts.total()
            decision.spare = 0 if limit.careful or state.probe else max(0, min(may, AT_HAND))
    if decision.go and state.probe:
        decision.probing = True
        breaker.probing(tx, state.probe, line, now)
    if limit.at_once is not None:
        _tell(tx, line, me, waiting, decision.go, crowd)
    return decision


def full(tx: Transaction, line: Line, now: float) -> bool:
    """Whether a create that has just been written down as sent must be taken back: another one was faster."""
    state = breaker.standing(tx, line, now)
    if state.error is not None:
        return True
    limit = ceiling(tx, line, now).at_once
    return limit is not None and running(tx, line, now).total() > limit


def turned_away(
    tx: Transaction,
    line: Line,
    me: str,
    episode: str,
    since: float,
    leaving: Sequence[Leaving],
    now: float,
) -> bool:
    """Whether a create that nobody was asked about, and that has just been written down as sent, must be taken back.

    It is asked now, as by :func:`decide`, and with as much right as any other.
    """
    decision = decide(tx, line, me, {episode: [since]}, leaving, Crowd(), now, written=episode)
    return decision.probing or not decision.go


def _share(
    tx: Transaction,
    line: Line,
    decision: Decision,
    room: int,
    counts: Counter[str],
    waiting: Mapping[str, Sequence[float]],
    others: Sequence[tuple[str, float, int]],
    now: float,
) -> None:
    """Fill ``decision.go``, place by place."""
    mine = Counter({episode: 0 for episode, since in waiting.items() if since})
    theirs = {number: jobs for number, (_, _, jobs) in enumerate(others)}
    for _ in range(room):
        heads = [(counts[e], waiting[e][n], False, e) for e, n in mine.items() if n < len(waiting[e])]
        if not heads:
            return
        best = min(heads)
        rivals = [(counts[others[n][0]], others[n][1], n) for n, jobs in theirs.items() if jobs]
        if rivals and min(rivals)[:2] < best[:2]:
            number = min(rivals)[2]
            theirs[number] -= 1
            counts[others[number][0]] += 1
            decision.why = "another episode has the next place"
            continue
        if line.creates is not None:
            wait = take(tx, f"create {line.name}", line.creates, now)
            if wait:
                decision.until = now + wait
                decision.reason, decision.why = "pace", "no more creates may be sent this minute"
                return
        episode = best[3]
        decision.go.append(episode)
        mine[episode] += 1
        counts[episode] += 1


def _others(tx: Transaction, line: Line, me: str) -> list[tuple[str, float, int]]:
    now = time.time()
    rows = tx.rows(
        "SELECT episode, oldest, jobs FROM waiting WHERE line = ? AND owner <> ? AND seen > ? AND seen < ?",
        (line.name, me, now - FRESH, now + FRESH),
    )
    return [(row["episode"], row["oldest"], row["jobs"]) for row in rows]


def _tell(
    tx: Transaction,
    line: Line,
    me: str,
    waiting: Mapping[str, Sequence[float]],
    gone: Sequence[str],
    crowd: Crowd,
) -> None:
    """Write down who still waits here, where that has changed or was said long ago."""
    went, now = Counter(gone), time.time()
    left = {
        episode: since[went[episode] :] for episode, since in waiting.items() if len(since) > went[episode]
    }
    said = tuple(sorted(left))
    if said == crowd.jobs and (not said or now - crowd.at < KEPT):
        return
    tx.execute(
        "DELETE FROM waiting WHERE line = ? AND (owner = ? OR seen < ?)", (line.name, me, now - 10 * FRESH)
    )
    for episode, since in left.items():
        tx.execute(
            "INSERT INTO waiting (line, owner, episode, jobs, oldest, seen) VALUES (?, ?, ?, ?, ?, ?)",
            (line.name, me, episode, len(since), since[0], now),
        )
    crowd.jobs, crowd.at = said, now


def withdraw(tx: Transaction, line: Line, me: str, crowd: Crowd) -> None:
    """Nobody waits here any more."""
    tx.execute("DELETE FROM waiting WHERE line = ? AND owner = ?", (line.name, me))
    crowd.jobs = ()
