"""The error tree: one root, honest about money, and able to travel between processes."""

import copy
import inspect
import pickle
from typing import Any

import pytest

from dramagen import Money, errors
from dramagen.errors import DramagenError, from_json

KINDS = sorted(
    (k for _, k in inspect.getmembers(errors, inspect.isclass) if issubclass(k, DramagenError)),
    key=lambda kind: kind.__name__,
)
EXTRA: dict[str, dict[str, Any]] = {
    "InvalidShot": {"problems": [("duration", "-1", "positive")]},
    "NoRoute": {"reasons": [("kling:cn/kling-3.0", "no key")]},
    "RetiredModel": {"reasons": [("sora:intl/sora-2", "retired")]},
    "ContentRejected": {"stage": "output", "field": "prompt"},
    "OutcomeUnknown": {"at_risk": Money("0 CNY"), "job_id": "j1"},
    "DefectiveClip": {"path": "a/b.mp4", "defects": ["too short"]},
}


def make(kind: type[DramagenError]) -> DramagenError:
    known: dict[str, Any] = {
        "provider": "kling",
        "model": "kling-3.0",
        "code": 1303,
        "vendor_message": "parallel task over resource pack limit",
        "request_id": "r-1",
        "retryable": True,
        "billed": None,
        "refused": True,
        "retry_after": 2.5,
    }
    if kind.__name__ == "MissingExtra":
        return kind("media", "trimming", **known)  # type: ignore[call-arg]  # its own signature
    return kind("what happened", **known, **EXTRA.get(kind.__name__, {}))


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_json(kind: type[DramagenError]) -> None:
    error = make(kind)
    again = from_json(error.to_json())
    assert type(again) is kind
    assert again.to_json() == error.to_json()
    assert str(again) == str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_pickle_and_copy(kind: type[DramagenError]) -> None:
    error = make(kind)
    error.attempts = (errors.RateLimited("first route"),)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is kind
        assert again.to_json() == error.to_json()
        assert [str(e) for e in again.attempts] == ["first route"]


def test_an_outsiders_own_error_survives_pickle() -> None:
    again = pickle.loads(pickle.dumps(Outsider(7)))
    assert (again.seven, again.message) == (7, "seven is 7")


class Outsider(DramagenError):
    def __init__(self, seven: int) -> None:
        super().__init__(f"seven is {seven}")
        self.seven = seven


def test_an_error_of_a_newer_version_keeps_what_it_says_about_money() -> None:
    record = {
        "error": "NewThing",
        "message": "m",
        "billed": True,
        "retryable": True,
        "request_id": "r",
        "x": 1,
    }
    error = from_json(record)
    assert type(error) is errors.JobFailed
    assert (error.billed, error.retryable, error.request_id) == (True, True, "r")


def test_a_record_naming_something_that_is_no_error_is_harmless() -> None:
    assert type(from_json({"error": "redact", "message": "m"})) is errors.JobFailed


def test_nothing_at_risk_is_not_the_same_as_unknown() -> None:
    assert from_json(make(errors.OutcomeUnknown).to_json()).at_risk == Money("0 CNY")  # type: ignore[attr-defined]
    assert from_json(errors.OutcomeUnknown("m").to_json()).at_risk is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "billed", "retryable"),
    [
        ("AuthError", False, False),
        ("RateLimited", False, True),
        ("ConcurrencyLimited", False, True),
        ("ProviderUnavailable", False, True),
        ("OutcomeUnknown", None, False),
        ("JobExpired", None, False),
        ("DefectiveClip", True, False),
        ("BudgetExceeded", False, False),
    ],
)
def test_defaults_say_who_paid_and_whether_to_try_again(
    kind: str, billed: bool | None, retryable: bool
) -> None:
    error = getattr(errors, kind)("m")
    assert (error.billed, error.retryable) == (billed, retryable)


def test_the_sentence_says_where_what_and_the_vendors_words_once() -> None:
    error = errors.JobFailed(
        "no", provider="kling", model="kling-3.0", code=5, vendor_message="bad", request_id="r"
    )
    assert str(error) == "kling/kling-3.0: no (code 5, “bad”, request r)"
    assert str(errors.JobFailed("it said bad", vendor_message="bad")) == "it said bad"


def test_no_route_says_for_every_route_why_not() -> None:
    text = str(make(errors.NoRoute))
    assert "kling:cn/kling-3.0: no key" in text


def test_a_missing_extra_prints_the_line_to_type() -> None:
    assert "pip install 'dramagen[cli]'" in str(errors.MissingExtra("cli", "dramagen film"))


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = [line.split("*")[1].split()[0] for line in (errors.__doc__ or "").splitlines() if "* " in line]
    assert sorted(drawn) == [kind.__name__ for kind in KINDS]
