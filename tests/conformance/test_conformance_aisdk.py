"""Vercel's AI SDK, unmodified, on node: ``generateVideo`` with its providers for BytePlus and Alibaba.

Where they differ from the vendors' pages (@ai-sdk/bytedance 1.0.29, @ai-sdk/alibaba 1.0.61, ai 6.0.326):

- For ``wan2.7-i2v`` the Alibaba provider puts the picture under ``img_url``. The page asks for ``media``, and the
  vendor's own package turns a picture into ``media`` for just this model: the page is right, the emulator refuses.
- It keeps asking about a task that is ``UNKNOWN``. The page calls that the state of a task that is gone, and the
  vendor's own package stops there: the page is right.
- The ByteDance provider keeps asking about ``expired`` and ``cancelled`` tasks until its own limit of five minutes.
  The page is right: both are ends.
- ``generateVideo`` does the whole of it again, create included, when an answer is lost: three jobs for one order.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dramagen.emulator import Handle

pytestmark = pytest.mark.conformance

QUICK = {"bytedance": {"pollIntervalMs": 50}, "alibaba": {"pollIntervalMs": 50}}


class Provider(NamedTuple):
    script: str
    path: str
    model: str
    resolution: str
    size: tuple[int, int]
    amount: str


BYTEDANCE = Provider(
    "bytedance.mjs",
    "/seedance@intl/api/v3",
    "dreamina-seedance-2-0-260128",
    "496x864",
    (496, 864),
    "0.354466",
)
ALIBABA = Provider("alibaba.mjs", "/wan@intl", "wan3.0-video", "480x832", (480, 832), "0.25")
both = pytest.mark.parametrize("provider", [BYTEDANCE, ALIBABA], ids=["bytedance", "alibaba"])


@pytest.fixture
def shoot(hurried: Handle, node: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """One order through a provider; what its script told, and the file where there is one."""

    def order(provider: Provider, **request: Any) -> Any:
        out = tmp_path / "clip.mp4"
        asked = {"prompt": "a cat", "duration": 5, "aspectRatio": "9:16", "providerOptions": QUICK, **request}
        told = node(
            provider.script,
            json.dumps(
                {
                    "base": hurried.url + provider.path,
                    "model": provider.model,
                    "out": str(out),
                    "request": {key: value for key, value in asked.items() if value is not None},
                }
            ),
        )
        return told | {"clip": out.read_bytes() if out.exists() else None}

    return order


@both
def test_create_wait_fetch(
    provider: Provider, hurried: Handle, shoot: Callable[..., Any], film: Callable[..., Any]
) -> None:
    told = shoot(provider, resolution=provider.resolution, seed=7, generateAudio=True)
    assert told["warnings"] == [], told
    got = film(told["clip"])
    assert (got.size, got.sound) == (provider.size, True)
    assert got.seconds == pytest.approx(5, abs=0.05)
    [row] = hurried.bill()
    assert (row["model"], row["amount"], row["currency"]) == (provider.model, provider.amount, "USD")


@both
def test_a_failed_job_is_the_clients_error(
    provider: Provider, hurried: Handle, shoot: Callable[..., Any]
) -> None:
    told = shoot(provider, prompt="a cat [[moderate-output]]")
    assert told["error"].endswith("_VIDEO_GENERATION_FAILED"), told
    assert [row["amount"] for row in hurried.bill()] == ["0"]


def test_wan_2_7_wants_its_picture_as_media(hurried: Handle, shoot: Callable[..., Any]) -> None:
    image = "https://example.com/a.png"
    order = {"prompt": {"text": "x", "image": image}, "aspectRatio": None}
    told = shoot(ALIBABA._replace(model="wan2.7-i2v"), **order)
    assert told["error"] == "AI_APICallError"
    assert hurried.requests()[0]["body"]["input"] == {"prompt": "x", "img_url": image}
    assert hurried.bill() == []


@both
def test_left_to_itself_the_client_pays_three_times_for_one_lost_answer(
    provider: Provider, hurried: Handle, shoot: Callable[..., Any], creates: Callable[[Handle], list[str]]
) -> None:
    hurried.faults(provider="*", on="create", kind="drop", after_accept=True, times=9)
    told = shoot(provider)
    assert told["error"] == "AI_RetryError", told
    assert len(creates(hurried)) == len(hurried.bill()) == 3
