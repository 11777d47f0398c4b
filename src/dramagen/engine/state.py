"""The life of a job, as states and the moves between them. Pure: the journal enforces it, nobody else writes states.

    intended -> sending -> accepted -> ready -> done
                  |  |        |          |----> defective
                  |  |        |          `----> lost
                  |  |        `-> failed
                  |  `-> unknown -> accepted | sending | intended | paid | unpaid
                  `-> refused

* intended: money reserved and written down; no create was sent, or one was and the vendor refused it for the moment.
  A dead owner's job may be sent from here. Accepted, where the vendor turns out to have made a job all the same;
  unknown, where it shows one that may be it.
* sending: the create may be on its way. A dead owner's job is unknown. Refused for now, it is intended again.
* accepted: the vendor gave a ticket. It is asked again until it gives a verdict.
* refused: the vendor, or the network, said that no job was made. Money released.
* unknown: nobody knows whether the create arrived. Money stays reserved. Intended again, where it was refused and the
  vendor has nothing that could be its job.
* failed: the vendor's verdict: no clip. Money settled at what it charged, mostly nothing.
* ready: the vendor's verdict: a clip. Money spent; the file is not here yet.
* done, defective, lost: the file is here; here and unusable; gone before it was fetched.
* paid, unpaid: a person settled an unknown.
"""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job is in its life."""

    INTENDED = "intended"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    FAILED = "failed"
    READY = "ready"
    DONE = "done"
    DEFECTIVE = "defective"
    LOST = "lost"
    PAID = "paid"
    UNPAID = "unpaid"


S = JobState

MOVES: dict[JobState, frozenset[JobState]] = {
    S.INTENDED: frozenset({S.SENDING, S.ACCEPTED, S.UNKNOWN, S.REFUSED}),
    S.SENDING: frozenset({S.ACCEPTED, S.INTENDED, S.REFUSED, S.UNKNOWN}),
    S.ACCEPTED: frozenset({S.READY, S.FAILED, S.LOST}),
    S.UNKNOWN: frozenset({S.ACCEPTED, S.SENDING, S.INTENDED, S.PAID, S.UNPAID}),
    S.READY: frozenset({S.DONE, S.DEFECTIVE, S.LOST}),
    S.REFUSED: frozenset(),
    S.FAILED: frozenset(),
    S.DONE: frozenset(),
    S.DEFECTIVE: frozenset(),
    S.LOST: frozenset(),
    S.PAID: frozenset(),
    S.UNPAID: frozenset(),
}

OPEN = frozenset(state for state, moves in MOVES.items() if moves)
"""Jobs that something still happens to."""

RESERVED = frozenset({S.INTENDED, S.SENDING, S.ACCEPTED})
"""Money set aside at its upper bound."""

SPENT = frozenset({S.READY, S.DONE, S.DEFECTIVE, S.LOST, S.PAID, S.FAILED})
"""Money settled at the job's cost (nothing, for most failures)."""

WASTED = frozenset({S.DEFECTIVE, S.LOST, S.PAID, S.FAILED})
"""Of what was spent, what gave no usable clip."""

NO_JOB = frozenset({S.REFUSED, S.UNPAID})
"""No job was made: the same shot and take may be ordered anew."""
