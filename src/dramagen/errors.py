"""Everything that can go wrong, as one short tree of plain words.

* DramagenError
  * InvalidShot           the shot itself makes no sense, whoever films it
  * NoRoute               no route can film it; says for every route why not
    * RetiredModel        the pinned model is gone; says since when and what to use instead
  * BudgetExceeded        a cap would be passed; nothing was sent
  * AuthError             the key is missing, wrong, or may not use this model
  * InsufficientBalance   the account is empty or in arrears
  * QuotaExhausted        a plan, pack or trial is used up
  * RateLimited           too many requests; nothing was made
  * ConcurrencyLimited    too many jobs at once; nothing was made
  * ProviderUnavailable   the provider cannot be reached, or says it is down
  * ContentRejected       moderation, of what went in or of what came out
  * JobFailed             the provider's own verdict: no clip from this job
  * JobExpired            the job or its result is gone before it could be collected
  * OutcomeUnknown        a create whose answer was lost: it may have been billed
  * DefectiveClip         paid, delivered, and unusable; the file is kept
  * MissingExtra          an optional part is not installed; says the pip line
  * ConfigError           a setting or a card is wrong; says where and what would be right

No key, token or signed URL ever appears in one: vendor text is redacted on the way in.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from dramagen.redact import redact

if TYPE_CHECKING:
    from dramagen.money import Money


class DramagenError(Exception):
    """The root. Carries what a program needs to decide, and what a person needs to understand.

    Attributes:
        provider, model: who answered, where that is known.
        code, vendor_message, request_id: the vendor's own words, redacted.
        retryable: whether the same call may work later, unchanged.
        billed: True, False, or None when nobody knows.
        refused: the vendor said in its own words that no job was made; only such a create is sent again.
        retry_after: seconds the vendor asked us to wait, if it did.
        attempts: the errors of the routes tried before this one, oldest first.
        untried: what might have been tried next, had ``[routing.remedies]`` allowed it, where, and its price.
    """

    retryable: bool = False
    billed: bool | None = False
    untried: str = ""

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        model: str | None = None,
        code: str | int | None = None,
        vendor_message: str | None = None,
        request_id: str | None = None,
        retryable: bool | None = None,
        billed: "bool | Literal['default'] | None" = "default",
        refused: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(redact(message))
        self.provider = provider
        self.model = model
        self.code = None if code is None else redact(str(code), limit=200)
        self.vendor_message = None if vendor_message is None else redact(vendor_message)
        self.request_id = None if request_id is None else redact(str(request_id), limit=200)
        if retryable is not None:
            self.retryable = retryable
        if billed != "default":
            self.billed = billed
        self.refused = refused
        self.retry_after = retry_after
        self.attempts: tuple[DramagenError, ...] = ()

    def hide(self, *secrets: str) -> None:
        """Take these values out of the error: some vendors repeat the key they refuse, whatever it looks like."""
        self.args = (redact(self.message, *secrets),)
        if self.vendor_message is not None:
            self.vendor_message = redact(self.vendor_message, *secrets)

    @property
    def message(self) -> str:
        """The sentence alone, without the vendor's details."""
        return str(self.args[0])

    def __str__(self) -> str:
        where = "/".join(p for p in (self.provider, self.model) if p)
        details = [
            f"code {self.code}" if self.code else "",
            f"“{self.vendor_message}”"
            if self.vendor_message and self.vendor_message not in self.message
            else "",
            f"request {self.request_id}" if self.request_id else "",
        ]
        tail = ", ".join(d for d in details if d)
        text = (f"{where}: " if where else "") + self.message + (f" ({tail})" if tail else "")
        return text + (
            f". Not allowed by [routing.remedies], so not tried: {self.untried}" if self.untried else ""
        )

    def to_json(self) -> dict[str, Any]:
        """A plain record of the error, enough for :func:`from_json` to make it again in another process."""
        record: dict[str, Any] = {"error": type(self).__name__, "message": self.message}
        for name in ("provider", "model", "code", "vendor_message", "request_id", "retry_after"):
            if getattr(self, name) is not None:
                record[name] = getattr(self, name)
        if self.untried:
            record["untried"] = self.untried
        if self.attempts:
            record["attempts"] = [attempt.to_json() for attempt in self.attempts]
        return (
            record
            | {"retryable": self.retryable, "billed": self.billed, "refused": self.refused}
            | self._extra()
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is pickled as a call with its args, which leaves out what is given by keyword.
        return _bare, (type(self), self.args), self.__dict__

    def _extra(self) -> dict[str, Any]:
        return {}

    @classmethod
    def _revive(cls, record: dict[str, Any]) -> Self:
        return cls(**record)


def _bare(kind: type[DramagenError], args: tuple[Any, ...]) -> DramagenError:
    return kind.__new__(kind, *args)


class InvalidShot(DramagenError):
    """The shot makes no sense, whoever films it. ``problems`` has one (field, value, rule) each."""

    def __init__(self, message: str, *, problems: Sequence[tuple[str, str, str]] = (), **known: Any) -> None:
        super().__init__(message, **known)
        self.problems = tuple((str(f), redact(str(v), limit=200), redact(str(r))) for f, v, r in problems)

    def _extra(self) -> dict[str, Any]:
        return {"problems": [list(p) for p in self.problems]}


class NoRoute(DramagenError):
    """No route can film the shot. ``reasons`` says for every route why not: (route, reason)."""

    def __init__(self, message: str, *, reasons: Sequence[tuple[str, str]] = (), **known: Any) -> None:
        super().__init__(message, **known)
        self.reasons = tuple((str(r), redact(str(w))) for r, w in reasons)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {route}: {reason}" for route, reason in self.reasons)])

    def _extra(self) -> dict[str, Any]:
        return {"reasons": [list(r) for r in self.reasons]}


class RetiredModel(NoRoute):
    """The pinned model is gone; the message says since when and what to use instead."""


class BudgetExceeded(DramagenError):
    """A cap would be passed. Nothing was sent; running jobs go on."""


class AuthError(DramagenError):
    """The key is missing, wrong, or not allowed to use this model."""


class InsufficientBalance(DramagenError):
    """The account is empty or in arrears."""


class QuotaExhausted(DramagenError):
    """A plan, pack or trial allowance is used up."""


class RateLimited(DramagenError):
    """Too many requests; no job was made."""

    retryable = True


class ConcurrencyLimited(DramagenError):
    """Too many jobs at once; no job was made."""

    retryable = True


class ProviderUnavailable(DramagenError):
    """The provider cannot be reached or says it is down."""

    retryable = True


class ContentRejected(DramagenError):
    """Moderation. ``stage`` is "input" or "output"; ``field`` names the input if the vendor says which."""

    def __init__(
        self, message: str, *, stage: Literal["input", "output"], field: str | None = None, **known: Any
    ) -> None:
        super().__init__(message, **known)
        self.stage = stage
        self.field = field

    def _extra(self) -> dict[str, Any]:
        return {"stage": self.stage, "field": self.field}


class JobFailed(DramagenError):
    """The provider's own verdict: this job gives no clip."""


class JobExpired(DramagenError):
    """The job or its result was gone before it could be collected."""

    billed = None


class OutcomeUnknown(DramagenError):
    """A create whose answer was lost, or that was refused and may have made its job all the same.

    ``at_risk`` is the most it may have cost; the reservation is kept.

    ``dramagen jobs`` shows such a job; ``studio.resume()`` looks for it again; a person can settle it.
    """

    billed = None

    def __init__(
        self, message: str, *, at_risk: "Money | None" = None, job_id: str | None = None, **known: Any
    ) -> None:
        super().__init__(message, **known)
        self.at_risk = at_risk
        self.job_id = job_id

    def _extra(self) -> dict[str, Any]:
        return {
            "at_risk": None if self.at_risk is None else self.at_risk.to_json(),
            "job_id": self.job_id,
        }

    @classmethod
    def _revive(cls, record: dict[str, Any]) -> Self:
        from dramagen.money import Money

        if record.get("at_risk"):
            record["at_risk"] = Money.parse(record["at_risk"])
        return cls(**record)


class DefectiveClip(DramagenError):
    """Paid, delivered, and unusable. ``path`` is the file as delivered, kept; ``defects`` says why."""

    billed = True

    def __init__(
        self, message: str, *, path: "Path | str | None" = None, defects: Sequence[str] = (), **known: Any
    ) -> None:
        super().__init__(message, **known)
        self.path = None if path is None else Path(path)
        self.defects = tuple(redact(str(defect)) for defect in defects)

    def _extra(self) -> dict[str, Any]:
        return {"path": str(self.path) if self.path else None, "defects": list(self.defects)}


class MissingExtra(DramagenError):
    """An optional part is not installed. ``extra`` is its name, ``what`` needs it."""

    def __init__(self, extra: str, what: str, **known: Any) -> None:
        super().__init__(f"{what} needs the '{extra}' extra: pip install 'dramagen[{extra}]'", **known)
        self.extra = extra
        self.what = what

    def _extra(self) -> dict[str, Any]:
        return {"extra": self.extra, "what": self.what}

    @classmethod
    def _revive(cls, record: dict[str, Any]) -> Self:
        record.pop("message", None)  # made anew from the two
        return cls(**record)


class ConfigError(DramagenError):
    """A setting or a card is wrong; the message says where, and what would be right."""


_ELSEWHERE = {
    "CommitUnknown": "dramagen.engine.database",
    "DiskFull": "dramagen.store.durable",
    "IndexUnavailable": "dramagen.store.index",
    "InvalidNumbers": "dramagen.routing.numeric",
    "JournalUnavailable": "dramagen.engine.database",
    "StoreUnavailable": "dramagen.store.remote",
    "WrongContent": "dramagen.store.remote",
    "LeaseLost": "dramagen.engine.owner",
    "NotFilmed": "dramagen.episode.reel",
    "NotMeasured": "dramagen.catalog.fitting",
    "Refused": "dramagen.cli.exits",
    "UndecodableMedia": "dramagen.media.decode",
}
"""Errors that live beside what raises them, by name: their modules are loaded only where one is read back."""


def from_json(record: dict[str, Any]) -> DramagenError:
    """The error that :meth:`DramagenError.to_json` wrote down.

    A class this version does not know becomes ``JobFailed`` with everything every error carries: whether it
    was billed must survive a change of version.
    """
    record = dict(record)
    attempts, untried = record.pop("attempts", ()), record.pop("untried", "")
    kind = _kind(str(record.pop("error", "")))
    if kind is None:
        kind = JobFailed
        record = {name: value for name, value in record.items() if name in _COMMON}
    error = kind._revive(record)
    error.attempts = tuple(from_json(attempt) for attempt in attempts)
    if untried:
        error.untried = untried
    return error


def _kind(name: str) -> type[DramagenError] | None:
    try:
        there = vars(import_module(_ELSEWHERE[name])) if name in _ELSEWHERE else globals()
    except ImportError:
        return None  # of an extra that is not installed here
    kind = there.get(name)
    return kind if isinstance(kind, type) and issubclass(kind, DramagenError) else None


_COMMON = (
    "message", "provider", "model", "code", "vendor_message", "request_id", "retry_after",
    "retryable", "billed", "refused",
)  # fmt: skip
