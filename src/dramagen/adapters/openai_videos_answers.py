"""What servers of the OpenAI Videos protocol answer: the video object, errors, a failed job's words.

Sources: OpenAI's API reference ("Videos", "Error codes"), read 2026-08; answers of Azure's and of public clients'
records; PyPI packages sglang 0.5.23, vllm-omni 0.30.0 and litellm 1.109.1, read 2026-11-22.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from httpx import URL, InvalidURL, Response

from dramagen.adapters.base import Status, Ticket, Usage, json_body
from dramagen.adapters.faults import BY_STATUS, by_status, retry_after, seconds, who
from dramagen.adapters.openai_videos_profiles import Profile, profile_named
from dramagen.catalog.route import Route
from dramagen.errors import (
    ConcurrencyLimited,
    ContentRejected,
    DramagenError,
    InsufficientBalance,
    InvalidShot,
    JobExpired,
    JobFailed,
    RetiredModel,
)

_EMPTY_ACCOUNT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_GONE_MODEL = frozenset({"model_not_found", "deployment_not_found"})
_MODERATION = (
    "moderation",
    "sentinel_block",
    "content_policy",
    "content policy",
    "content_filter",
    "safety system",
)
_BUSY = ("too many running tasks", "too many concurrent")
_UNSETTLED = frozenset({408, 409})
"""4xx answers after which a job may have been made all the same."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The server's own words. ``code`` is empty where it gives none but the HTTP status again."""

    code: str
    message: str


def envelope(body: object) -> Envelope | None:
    """The error in a body: OpenAI's ``{"error": {…}}``, FastAPI's ``{"detail": …}``, or a gateway's plain text."""
    if not isinstance(body, Mapping):
        return None
    error, detail = body.get("error"), body.get("detail")
    if isinstance(error, Mapping) and error:
        code, words = error.get("code"), error.get("message")
        plain = "" if code is None or isinstance(code, int) or str(code).isdigit() else str(code)
        return Envelope(plain, words if isinstance(words, str) else "")
    if isinstance(error, str) and error:
        return Envelope("", error)
    if isinstance(detail, str) and detail:
        return Envelope("", detail)
    if isinstance(detail, list) and detail:
        return Envelope("", "; ".join(_problem(each) for each in detail[:3]))
    return None


def _problem(each: object) -> str:
    if not isinstance(each, Mapping):
        return str(each)
    place = each.get("loc")
    where = ".".join(str(part) for part in place) if isinstance(place, list) else ""
    return f"{where}: {each.get('msg')}" if where else str(each.get("msg"))


def fault(response: Response, route: Route | None = None) -> DramagenError:
    """The typed error of any answer that is not a success: by the body's code first, by HTTP status second.

    ``refused`` only for a 4xx in one of the servers' own envelopes.
    """
    status, told = response.status_code, envelope(json_body(response))
    refused = told is not None and 400 <= status < 500 and status not in _UNSETTLED
    known: dict[str, Any] = {
        "provider": route.provider if route else None,
        "model": route.model if route else None,
        "code": (told.code if told else "") or status,
        "vendor_message": (told.message if told else "") or None,
        "request_id": response.headers.get("x-request-id"),
        "retry_after": _retry_after(response),
        "refused": refused,
        "billed": False if refused else None,
    }
    code, text = (told.code, f"{told.code} {told.message}".lower()) if told else ("", "")
    if status >= 500 or status < 400 or status in _UNSETTLED:
        return by_status(status).error(**known)
    if code in _EMPTY_ACCOUNT or status == 402:
        return InsufficientBalance("the account is empty, or its limit is reached", **known)
    if code in _GONE_MODEL or status == 410:
        return RetiredModel("the server does not serve this model, or no longer", **known)
    if any(word in text for word in _MODERATION):
        return ContentRejected("the input was refused by moderation", stage="input", **known)
    if status == 429 and any(word in text for word in _BUSY):
        return ConcurrencyLimited("more jobs at once than the account may run", **known)
    if told is None or status in BY_STATUS:
        return by_status(status).error(**known)
    return InvalidShot("the server refused the request", **known)


def video_of(response: Response, profile: Profile) -> Mapping[str, Any] | None:
    """The video object of an answer, whatever its HTTP status; None where there is none."""
    body = json_body(response)
    if profile.lenient and isinstance(body, Mapping):
        for name in ("data", "video"):
            inner = body.get(name)
            told = isinstance(inner, Mapping) and (job_id(inner, profile) or "status" in inner)
            if told and not job_id(body, profile) and "status" not in body:
                return inner
    return body if isinstance(body, Mapping) else None


def job_id(video: Mapping[str, Any], profile: Profile) -> str | None:
    """The job's id: text, not empty. Opaque: a gateway's may be long, and hold where the job runs."""
    for name in ("id", "video_id", "task_id") if profile.lenient else ("id",):
        value = video.get(name)
        if isinstance(value, str) and value.strip():
            return value
    return None


def read(ticket: Ticket, response: Response) -> Status | None:
    """The state in the answer about one job; None where the answer does not say.

    A failed job comes with HTTP 200 from most servers, and with the failure's own HTTP status from vLLM-Omni.
    """
    profile = profile_named(ticket.data.get("profile"))
    if unknown_job(response):
        error = JobExpired("the server no longer knows this job", billed=None, **who(ticket.route))
        return Status(ticket, "missing", error=error)
    video = video_of(response, profile)
    if video is None:
        return None
    word = video.get("status", video.get("state") if profile.lenient else None)
    found = job_id(video, profile)
    if found != ticket.id and not (profile.lenient and found is None and "status" in video):
        return None
    state = profile.state(word)
    if not response.is_success and state != "failed":
        return None
    if state is None:
        return Status(ticket, "running", note=f"unknown status {word!r:.80}")
    made: DramagenError | None = None
    if state == "failed":
        made = failure(video, ticket.route)
    elif state == "expired":
        made = JobExpired("the server gave the job up", billed=None, **who(ticket.route))
    elif state == "canceled":
        made = JobFailed("the job was cancelled", billed=None, **who(ticket.route))
    usage = _usage(video) if profile.diffusion else None
    return Status(ticket, state, progress=_progress(video.get("progress")), error=made, usage=usage)


def unknown_job(response: Response) -> bool:
    """Whether the answer is the server's word that it has no such job.

    Of a path it does not have a server speaks in other words: that is a wrong address, not a lost job.
    """
    told = envelope(json_body(response))
    if told is None or response.status_code not in (404, 410):
        return False
    return told.message != "Not Found" and not told.message.startswith("Invalid URL")


def failure(video: Mapping[str, Any], route: Route) -> DramagenError:
    """Why a job failed. Nobody documents whether a failed job is billed."""
    told = envelope(video) or Envelope("", "")
    words = told.message or next(
        (
            str(video[name])
            for name in ("fail_reason", "failure_reason", "error_message", "message")
            if video.get(name)
        ),
        "",
    )
    known = who(route) | {"code": told.code or None, "vendor_message": words or None, "billed": None}
    if any(word in f"{told.code} {words}".lower() for word in _MODERATION):
        return ContentRejected("the clip was held back by moderation", stage="output", **known)
    return JobFailed("the generation failed", **known)


def link_of(video: Mapping[str, Any], id_: str) -> str | None:
    """A public link to the finished file, where one is named. The content path is none: it needs the key."""
    urls = video.get("urls")
    inner = [video.get(name) for name in ("output", "video", "result", "data")]
    places = [
        video.get("url"), video.get("video_url"), video.get("output_url"),
        *(urls if isinstance(urls, list) else ()),
        *(each.get("url") for each in inner if isinstance(each, Mapping)),
        *(each for each in inner if isinstance(each, str)),
    ]  # fmt: skip
    for place in places:
        if (
            isinstance(place, str)
            and not place.partition("?")[0].endswith(f"/{id_}/content")
            and _public(place)
        ):
            return place
    return None


def _public(text: str) -> bool:
    try:
        url = URL(text)
    except InvalidURL:
        return False
    return url.scheme in ("http", "https") and bool(url.host)


def stamp(value: object) -> float | None:
    """Unix seconds of a time in an answer; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e15:
        return None
    return float(value)


def _usage(video: Mapping[str, Any]) -> Usage | None:
    """Seconds the server worked on the clip: what one's own server costs."""
    worked = stamp(video.get("inference_time_s"))
    return None if worked is None or worked > 10**7 else Usage(units=Decimal(str(worked)))


def _progress(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        return None
    return value / 100


def _retry_after(response: Response) -> float | None:
    """Seconds; some servers say them in thousandths, in a header of their own."""
    soon = seconds(response.headers.get("retry-after-ms"))
    return retry_after(response) if soon is None else soon / 1000
