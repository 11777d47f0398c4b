"""The error tree: one root, honest about money, and able to travel between processes."""

import copy
import importlib
import importlib.util
import json
import pickle
import pkgutil
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import dramagen
from dramagen import Money, errors
from dramagen.errors import DramagenError, from_json


def _every_kind() -> list[type[DramagenError]]:
    """Every error class of the library, wherever it lives."""
    for module in pkgutil.walk_packages(dramagen.__path__, "dramagen."):
        source = importlib.util.find_spec(module.name)
        # Found by their words, so that nothing is loaded that defines none.
        if source and source.origin and re.search(r"^class \w+\(\w", open_text(source.origin), re.MULTILINE):
            with suppress(ModuleNotFoundError):  # of an extra that is not installed
                importlib.import_module(module.name)
    kinds: set[type[DramagenError]] = set()
    new = {DramagenError}
    while new:
        kinds |= new
        new = {below for kind in new for below in kind.__subclasses__()} - kinds
    ours = [kind for kind in kinds if kind.__module__.startswith("dramagen.")]
    return sorted(ours, key=lambda kind: kind.__name__)


def open_text(path: str) -> str:
    return Path(path).read_text("utf-8") if path.endswith(".py") else ""


KINDS = _every_kind()
EXTRA: dict[str, dict[str, Any]] = {
    "InvalidShot": {"problems": [("duration", "-1", "positive")]},
    "NoRoute": {"reasons": [("kling:cn/kling-3.0", "no key")]},
    "RetiredModel": {"reasons": [("sora:intl/sora-2", "retired")]},
    "ContentRejected": {"stage": "output", "field": "prompt"},
    "OutcomeUnknown": {"at_risk": Money("0 CNY"), "job_id": "j1"},
    "DefectiveClip": {"path": "a/b.mp4", "defects": ["too short"]},
}


OWN_WORDS = {
    "MissingExtra": ("media", "trimming"),
    "UndecodableMedia": ("a/b.mp4", "cut short"),
}
"""What errors are made of that write their sentence themselves."""


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
    if kind.__name__ in OWN_WORDS:
        return kind(*OWN_WORDS[kind.__name__], **known)  # type: ignore[call-arg]  # its own signature
    return kind("what happened", **known, **EXTRA.get(kind.__name__, {}))


def test_every_name_is_one_error() -> None:
    assert len({kind.__name__ for kind in KINDS}) == len(KINDS)
    assert {"DiskFull", "IndexUnavailable", "CommitUnknown", "UndecodableMedia"} <= {
        k.__name__ for k in KINDS
    }


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_json(kind: type[DramagenError]) -> None:
    error = make(kind)
    error.attempts = (make(errors.ContentRejected), errors.RateLimited("first route"))
    again = from_json(json.loads(json.dumps(error.to_json())))
    assert type(again) is kind
    assert [type(attempt) for attempt in again.attempts] == [errors.ContentRejected, errors.RateLimited]
    assert _facts(again) == _facts(error)
    assert again.to_json() == error.to_json()
    assert str(again) == str(error)


def _facts(error: DramagenError) -> dict[str, Any]:
    return {name: value for name, value in vars(error).items() if name != "attempts"}


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
    assert from_json(make(errors.OutcomeUnknown).to_json()).at_risk == Money("0 CNY")  # type: ignore[attr-defined]  # its own
    assert from_json(errors.OutcomeUnknown("m").to_json()).at_risk is None  # type: ignore[attr-defined]  # likewise


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
    assert sorted(drawn) == [kind.__name__ for kind in KINDS if kind.__module__ == errors.__name__]
