"""Finding a job whose create got no answer: nothing of ours comes back on it, so the list is compared with the order.

Servers list what they made, newest first, with model, size and length, and most with the prompt. One single match
inside the time the create was under way is taken for ours; the engine refuses one that another of our jobs holds.
"""

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from httpx import Request, Response

from dramagen.adapters.base import Absent, Attempt, Flow, Ticket, Unsure, json_body
from dramagen.adapters.openai_videos_answers import fault, job_id, stamp
from dramagen.adapters.openai_videos_create import VIDEOS, fields
from dramagen.adapters.openai_videos_profiles import profile_named
from dramagen.catalog.order import Order

PAGE = 100
MOST_PAGES = 50

SLACK = 300.0
"""Seconds by which the server's clock may differ from ours. A job that only this would make ours settles nothing."""


def ticket(id_: str, order: Order, **more: str) -> Ticket:
    """The job as a ticket."""
    return Ticket(id=id_, route=order.route, data={"profile": order.wire.get("profile") or "generic"} | more)


def find(order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
    """Page through the list, newest first, back to the time the create was sent."""
    profile = profile_named(order.wire.get("profile"))
    sent = fields(order)
    first, last = math.floor(attempt.created), math.ceil(attempt.sent_until or attempt.created)
    if attempt.refused:
        first, last = math.floor(attempt.window(0.0)[0]), math.ceil(attempt.window(0.0)[1])
    ours: dict[str, bool] = {}
    near: set[str] = set()
    after = ""
    for _ in range(MOST_PAGES):
        response = yield Request("GET", f"{VIDEOS}?limit={PAGE}&order=desc{after}")
        listed = _items(response)
        if listed is None:
            return Unsure(f"the list could not be read: {fault(response, order.route)}")
        videos = [video for video in listed if isinstance(video, Mapping)]
        if len(videos) < len(listed):
            return Unsure("the list holds what is no video")
        for video in videos:
            id_, made = job_id(video, profile), stamp(video.get("created_at"))
            if id_ is None or made is None:
                return Unsure("the list does not say which job was made when")
            if id_ in attempt.others:
                continue
            same_words = video.get("prompt") == sent["prompt"]
            if first <= made <= last and _matches(video, sent):
                ours[id_] = same_words
            elif first - SLACK <= made <= last + SLACK and (same_words or _matches(video, sent)):
                near.add(id_)
        oldest = min((stamp(video.get("created_at")) or 0.0 for video in videos), default=0.0)
        if not _more(response) or not videos or oldest < first - SLACK:
            return _verdict(ours, near, order, attempt)
        after = f"&after={quote(str(job_id(videos[-1], profile)), safe='')}"
    return Unsure("the list is too long to be read to its end")


def _verdict(
    ours: Mapping[str, bool], near: set[str], order: Order, attempt: Attempt
) -> Ticket | Absent | Unsure:
    if len(ours) == 1:
        ((id_, by_prompt),) = ours.items()
        if by_prompt or not attempt.refused:
            return ticket(id_, order, found="by prompt" if by_prompt else "by time")
    if ours:
        return Unsure(f"{len(ours)} jobs look like this one: {', '.join(sorted(ours)[:5])}", sorted(ours))
    if near:
        why = f"a job is like this one, and not quite it: {', '.join(sorted(near)[:5])}"
        # By a clock that is known it was made too early or too late to be this create's.
        return Unsure(why, sorted(near) if attempt.ahead is None else ())
    return Absent()


def _matches(video: Mapping[str, Any], sent: Mapping[str, str]) -> bool:
    """Whether whatever the job shows of itself is what was sent, and it shows enough: its prompt, or its shape."""
    shown = {name: str(video[name]) for name in ("model", "size", "seconds", "prompt") if video.get(name)}
    enough = "prompt" in shown or {"size", "seconds"} <= shown.keys()
    return enough and all(sent[name] == value for name, value in shown.items())


def _items(response: Response) -> list[Any] | None:
    body = json_body(response)
    listed = body.get("data") if response.is_success and isinstance(body, Mapping) else None
    return listed if isinstance(listed, list) else None


def _more(response: Response) -> bool:
    return bool(json_body(response).get("has_more"))
