"""Tell the studio what a benchmark found, so that its router learns from it. Only on request."""

from dramagen.bench.results import Results
from dramagen.bench.take import TECHNICAL
from dramagen.studio import Studio


def teach(studio: Studio, results: Results) -> int:
    """Accept and reject in the studio what people voted on and the technical checks refuse. Returns how many.

    A judge's verdicts are not taught, and neither is a pass of the technical checks: acceptance that nobody gave
    would teach the router to trust itself. What the studio has on record already is not said again.
    """
    told = 0
    for take in results.takes:
        decision = results.verdicts.of_take(take)
        if take.job_id is None or decision.accepted is None:
            continue
        if decision.by != "person" and not (decision.by == "checks" and not decision.accepted):
            continue
        reason = decision.why if decision.by == "person" else f"{TECHNICAL}{decision.why}"
        word = (decision.accepted, reason)
        reviews = studio.reviews(take.job_id)
        if reviews and (reviews[-1]["accepted"], reviews[-1]["reason"]) == word:
            continue
        (studio.accept if decision.accepted else studio.reject)(take.job_id, reason)
        told += 1
    return told
