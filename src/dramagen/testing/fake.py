"""A provider for your own tests: no socket, no key, no waiting, and every misfortune on demand."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

Outcome = Literal[
    "succeed", "fail", "reject_input", "reject_output", "rate_limit", "unavailable", "lose", "drop"
]
"""What becomes of a create.

``lose``: the job is made and will succeed, but the answer never arrives. ``drop``: the connection breaks and no job
is made. The others are as they say; only ``succeed`` and ``lose`` are billed.
"""

TASKS = "/api/v3/contents/generations/tasks"
CLIP_HOST = "clips.fake.invalid"

_REFUSALS: dict[str, tuple[int, str]] = {
    "reject_input": (400, "InputTextSensitiveContentDetected"),
    "rate_limit": (429, "RateLimitExceeded.EndpointRPMExceeded"),
    "unavailable": (503, "InternalServiceError"),
}
_FAILURES = {
    "fail": "InternalServiceError",
    "reject_output": "OutputVideoSensitiveContentDetected.PolicyViolation",
}


@dataclass(frozen=True, slots=True)
class FakeJob:
    """One job the fake provider made: its id, the create's body, and how it ended."""

    id: str
    body: dict[str, Any] = field(repr=False)
    outcome: Outcome
    created: int

    @property
    def billed(self) -> bool:
        """Whether the vendor would take money for it."""
        return self.outcome in ("succeed", "lose")


class FakeProvider(httpx.AsyncBaseTransport):
    """An ``httpx`` transport that answers as Seedance does, whatever the host.

    It stands where the network would: mounted for ``https`` nothing leaves the process. Each create takes the next
    outcome of ``script``; after the last one every create succeeds. Jobs are finished when first asked about.

    Attributes:
        jobs: every job made, oldest first.
        requests: every request heard, oldest first.
    """

    def __init__(
        self,
        clip: bytes,
        script: Iterable[Outcome] = (),
        *,
        tokens: int = 108_900,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``clip`` is the file every finished job gives; ``tokens`` what it is billed; ``now`` gives Unix seconds."""
        self.jobs: list[FakeJob] = []
        self.requests: list[httpx.Request] = []
        self._clip = clip
        self._script = iter(script)
        self._tokens = tokens
        self._now = now

    @property
    def billed(self) -> int:
        """How many jobs the vendor would take money for; two for one order means it was paid twice."""
        return sum(job.billed for job in self.jobs)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; raises ``httpx.ReadError`` where the script says the answer is lost."""
        await request.aread()
        self.requests.append(request)
        path = request.url.path
        if request.url.host == CLIP_HOST:
            headers = {"content-type": "video/mp4", "content-length": str(len(self._clip))}
            # As a stream: content given whole counts as read, and a client that streams cannot read it again.
            return httpx.Response(200, stream=httpx.ByteStream(self._clip), headers=headers)
        if path == TASKS:
            return self._create(request) if request.method == "POST" else self._list(request)
        job = next((job for job in self.jobs if path == f"{TASKS}/{job.id}"), None)
        if job is None:
            return _refusal(404, "NotFound.Task")
        if request.method == "DELETE":
            return _refusal(409, "InvalidAction.RunningTaskDeletion")
        return httpx.Response(200, json=self._task(job))

    def _create(self, request: httpx.Request) -> httpx.Response:
        outcome: Outcome = next(self._script, "succeed")
        if outcome in _REFUSALS:
            return _refusal(*_REFUSALS[outcome])
        if outcome != "drop":
            body = json.loads(request.content)
            self.jobs.append(FakeJob(f"cgt-fake-{len(self.jobs) + 1}", body, outcome, int(self._now())))
        if outcome in ("drop", "lose"):
            raise httpx.ReadError("the connection broke", request=request)
        return httpx.Response(200, json={"id": self.jobs[-1].id})

    def _list(self, request: httpx.Request) -> httpx.Response:
        wanted = request.url.params.get_list("filter.task_ids")
        model = request.url.params.get("filter.model")
        shown = [
            self._task(job)
            for job in self.jobs
            if (not wanted or job.id in wanted) and model in (None, job.body.get("model"))
        ]
        return httpx.Response(200, json={"total": len(shown), "items": shown})

    def _task(self, job: FakeJob) -> dict[str, Any]:
        task = {
            "id": job.id,
            "model": job.body.get("model"),
            "status": "failed",
            "created_at": job.created,
            "updated_at": job.created,
            "execution_expires_after": job.body.get("execution_expires_after"),
        }
        if job.outcome in _FAILURES:
            return task | {"error": {"code": _FAILURES[job.outcome], "message": "as the test asked"}}
        return task | {
            "status": "succeeded",
            "content": {"video_url": f"https://{CLIP_HOST}/{job.id}.mp4?signature=fake"},
            "usage": {"completion_tokens": self._tokens, "total_tokens": self._tokens},
            "seed": job.body.get("seed", 1),
        }


def _refusal(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": "as the test asked"}})
