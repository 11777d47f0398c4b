"""What all adapters say alike of an error: what an answer means, whom it speaks of, and when to ask again."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from httpx import Response

from dramagen.catalog.route import Route
from dramagen.errors import AuthError, DramagenError, InsufficientBalance, ProviderUnavailable, RateLimited

Make = Callable[..., DramagenError]
"""A class of errors, or one with some of its arguments given."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What an answer means: the error it becomes, the sentence for people, and whether to try again."""

    make: Make
    meaning: str
    retryable: bool = False

    def error(self, **known: Any) -> DramagenError:
        """The error, with what else is known of it."""
        return self.make(self.meaning, retryable=self.retryable, **known)


_NO_KEY = Rule(AuthError, "the key was not accepted, or may not do this")
_DOWN = Rule(ProviderUnavailable, "the service gave no usable answer", True)
BY_STATUS: Mapping[int, Rule] = {
    401: _NO_KEY,
    402: Rule(InsufficientBalance, "the account is empty"),
    403: _NO_KEY,
    429: Rule(RateLimited, "too many requests", True),
}
"""The numbers that say what is wrong, whoever answers with them."""


def by_status(status: int) -> Rule:
    """What an answer means that holds no word of the vendor's, a proxy's page say: its number is all there is.

    It settles nothing, since the vendor may have made the job before: an error made by this is no refusal.
    """
    return BY_STATUS.get(status, _DOWN)


def who(route: Route) -> dict[str, Any]:
    """Whom an error speaks of."""
    return {"provider": route.provider, "model": route.model}


def retry_after(response: Response) -> float | None:
    """Seconds from the ``Retry-After`` header, where it gives a number (a date would need a clock)."""
    return seconds(response.headers.get("retry-after"))


def seconds(text: str | None) -> float | None:
    """A number of seconds, none below zero, as a header writes it; None where it is none."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
