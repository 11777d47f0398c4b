"""One question to a vision model behind any OpenAI-compatible ``/chat/completions``: words and pictures in, JSON out.

It goes out by the engine's one door: time limits, and the key redacted from every error. Asking again costs tokens
and nothing else, so what fails for the moment is asked again.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from httpx import Request, Response

from dramagen.adapters.base import Flow
from dramagen.bench.judging import Usage
from dramagen.catalog.access import Access
from dramagen.catalog.secret import Secret
from dramagen.engine.clock import Clock, RealClock
from dramagen.engine.http import Http, Limits
from dramagen.errors import AuthError, ConfigError, DramagenError, JobFailed, ProviderUnavailable, RateLimited

TRIES = 3
WAIT = 5.0
"""Seconds before asking again, doubled each time."""
READ = 120.0
"""Seconds a model may think over sixteen pictures."""
LONGEST = 2000
"""Tokens of an answer."""
BUSY = 429
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)

Part = str | bytes
"""Words, or a JPEG."""


class _Bearer:
    def sign(self, request: Request, secret: Secret, now: float) -> None:
        if secret.key:
            request.headers["Authorization"] = f"Bearer {secret.key}"


@dataclass
class Endpoint:
    """A model at an address. Use as an async context manager.

    Attributes:
        url: up to and without ``/chat/completions``, such as ``https://host/v1``.
        key: sent as a bearer token; None sends none. It is in no repr and no error.
    """

    url: str
    model: str
    secret: Secret
    clock: Clock

    @classmethod
    def at(cls, url: str, model: str, key: str | None, clock: Clock | None = None) -> Self:
        """Raises ``ConfigError`` where the address is none."""
        if not re.match(r"https?://[^\s/]+", url):
            raise ConfigError("a judge's address is http(s), such as https://host/v1")
        return cls(
            url.rstrip("/").removesuffix("/chat/completions"), model, Secret(key=key), clock or RealClock()
        )

    async def __aenter__(self) -> Self:
        self._http = Http(limits=Limits(read=READ), now=self.clock.now)
        self._access = Access("judge", "", self.url, True, self.secret)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def ask(self, parts: Sequence[Part]) -> tuple[dict[str, Any], Usage]:
        """The model's answer, which must be one JSON object, and the tokens it took.

        Raises:
            AuthError: the key is not taken.
            ProviderUnavailable: no answer, after three tries.
            RateLimited: too many questions, after three tries.
            JobFailed: the endpoint says no, or its answer is no JSON.
        """
        for attempt in range(TRIES):
            try:
                return await self._http.run(_flow(self.model, parts), _Bearer(), self._access)
            except (ProviderUnavailable, RateLimited):
                if attempt == TRIES - 1:
                    raise
                await self.clock.sleep(WAIT * 2**attempt)
        raise AssertionError("unreachable")


def _flow(model: str, parts: Sequence[Part]) -> Flow[tuple[dict[str, Any], Usage]]:
    body = {
        "model": model,
        "temperature": 0,
        "max_tokens": LONGEST,
        "response_format": {"type": "json_object"},
        "messages": [{"role": "user", "content": [_part(part) for part in parts]}],
    }
    response = yield Request("POST", "/chat/completions", json=body)
    if response.status_code != 200:
        raise _refusal(response)
    try:
        document = response.json()
        text = document["choices"][0]["message"]["content"]
        answer = _object(text if isinstance(text, str) else "")
    except (ValueError, KeyError, IndexError, TypeError):
        raise JobFailed(
            "the judge's answer is not the JSON asked for", provider="judge", billed=None
        ) from None
    counted = document.get("usage") or {}
    return answer, Usage(_count(counted, "prompt_tokens"), _count(counted, "completion_tokens"))


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    url = f"data:image/jpeg;base64,{base64.b64encode(part).decode('ascii')}"
    return {"type": "image_url", "image_url": {"url": url}}


def _object(text: str) -> dict[str, Any]:
    """The JSON object in an answer; some models wrap it in words or a code fence."""
    found = _OBJECT.search(text)
    document = json.loads(found[0]) if found else None
    if not isinstance(document, dict):
        raise ValueError("no JSON object")
    return document


def _count(counted: Mapping[str, Any], name: str) -> int:
    value = counted.get(name)
    return value if isinstance(value, int) and value >= 0 else 0


def _refusal(response: Response) -> DramagenError:
    status = response.status_code
    if status in (401, 403):
        return AuthError("the judge's endpoint does not take the key", provider="judge")
    if status == BUSY:
        return RateLimited("the judge's endpoint is busy", provider="judge")
    if status >= 500:
        return ProviderUnavailable(f"the judge's endpoint answers {status}", provider="judge", billed=None)
    try:
        said = str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        said = ""
    return JobFailed(f"the judge's endpoint answers {status} {said}".strip(), provider="judge", billed=None)
