"""How each vendor is handed a reference video: by its URL, or with what is sent along."""

import json
from decimal import Decimal
from typing import Any

import pytest
from httpx import Request, Response

from dramagen.adapters.base import Attempt
from dramagen.adapters.kling import KlingAdapter
from dramagen.adapters.kling_words import wording as kling_wording
from dramagen.adapters.seedance import SeedanceAdapter
from dramagen.adapters.seedance_prompt import wording as seedance_wording
from dramagen.adapters.wan_create import body_of as wan_body
from dramagen.catalog.order import Input, Order, OrderReference
from dramagen.catalog.route import Route
from dramagen.errors import InvalidShot
from dramagen.testing import drive

FACE = Input(sha256="a" * 64, media_type="image/png", size=4, width=720, height=1280)
MOVIE = Input(sha256="b" * 64, media_type="video/mp4", size=4, width=720, height=1280, duration=3.0)
CHASE = Input(sha256="c" * 64, media_type="video/quicktime", size=4, width=720, height=1280, duration=3.0)
BYTES = {item.sha256: b"data" for item in (FACE, MOVIE, CHASE)}
URLS = {MOVIE.sha256: "https://cdn.example/m.mp4?sig=1", CHASE.sha256: "https://cdn.example/c.mov?sig=2"}

BOTH = OrderReference(name="林夏", images=(FACE,), video=MOVIE)
MOVES = OrderReference(name="追逐", video=CHASE)


def order(provider: str, wire: dict[str, Any], **fields: Any) -> Order:
    known: dict[str, Any] = {
        "route": Route(provider=provider, region="cn", model="m"), "wire": wire, "mode": "references",
        "prompt": "@林夏像@追逐那样跑", "duration": Decimal(5), "resolution": "720p", "aspect_ratio": "9:16",
        "width": 720, "height": 1280, "audio": False, "references": (BOTH, MOVES),
    }  # fmt: skip
    return Order(**known | fields)


ARK = order("seedance", {"model": "doubao-seedance-2-0"})
OMNI = order("kling", {"protocol": "new", "model": "kling-3.0-omni"})


def created(adapter: Any, asked: Order, attempt: Attempt, answer: dict[str, Any]) -> Any:
    heard: list[Request] = []

    def respond(request: Request) -> Response:
        heard.append(request)
        return Response(200, json=answer)

    drive(adapter.submit(asked, attempt), respond)
    return json.loads(heard[-1].content)


def attempt(**known: Any) -> Attempt:
    return Attempt(tag="a1b2c3d4e5f6g7h8i9j0k1l2", created=1_795_000_000.0, inputs=BYTES, **known)


def test_seedance_is_told_where_videos_are() -> None:
    body = created(SeedanceAdapter(), ARK, attempt(urls=URLS), {"id": "cgt-1"})
    kinds = [(item["type"], item.get("role")) for item in body["content"]]
    assert kinds == [
        ("text", None), ("image_url", "reference_image"), ("video_url", "reference_video"),
        ("video_url", "reference_video"),
    ]  # fmt: skip
    assert [item["video_url"]["url"] for item in body["content"][2:]] == [*URLS.values()]
    assert seedance_wording(ARK) == "视频1与图片1是同一个。图片1像视频2那样跑。"


def test_kling_is_told_where_videos_are() -> None:
    body = created(KlingAdapter(), OMNI, attempt(urls=URLS), {"code": 0, "data": {"id": "1"}})
    assert body["contents"][1:] == [
        {"type": "refer_image", "url": "ZGF0YQ==", "id": "image_1"},
        {"type": "feature_video", "url": URLS[MOVIE.sha256], "id": "video_1"},
        {"type": "feature_video", "url": URLS[CHASE.sha256], "id": "video_2"},
    ]
    assert "@image_1像@video_2那样跑" in body["contents"][0]["text"].replace(" ", "")
    assert kling_wording(OMNI) == body["contents"][0]["text"]


@pytest.mark.parametrize(("adapter", "asked"), [(SeedanceAdapter(), ARK), (KlingAdapter(), OMNI)])
def test_without_a_url_nothing_is_sent(adapter: Any, asked: Order) -> None:
    def silent(request: Request) -> Response:
        raise AssertionError("a request was sent")

    for given in (attempt(), attempt(urls={MOVIE.sha256: URLS[MOVIE.sha256]})):
        with pytest.raises(InvalidShot, match="public URL, which is not known any more"):
            drive(adapter.submit(asked, given), silent)
    assert adapter.wording(asked)  # a plan needs none


def test_an_attempt_does_not_show_its_urls() -> None:
    assert "cdn.example" not in repr(attempt(urls=URLS))


def links(asked: Order) -> dict[str, str]:
    return {item.sha256: f"oss://{item.sha256[:1]}" for item in asked.inputs()}


@pytest.mark.parametrize(
    ("wire", "key", "media", "prompt"),
    [
        (
            {"protocol": "wan3", "model": "wan3.0-video"}, "media",
            [("reference_image", "oss://a"), ("reference_video", "oss://b"), ("reference_video", "oss://c")],
            "图1 像视频2 那样跑。视频1与图1是同一个。",
        ),
        (
            {"protocol": "wan2.7", "model": "wan2.7-r2v"}, "media",
            [("reference_image", "oss://a"), ("reference_video", "oss://b"), ("reference_video", "oss://c")],
            "图1 像视频2 那样跑。视频1与图1是同一个。",
        ),
        (
            {"protocol": "legacy", "model": "wan2.6-r2v"}, "reference_urls", ["oss://a", "oss://b", "oss://c"],
            "character1 像character3 那样跑。character2与character1是同一个。",
        ),
    ],
)  # fmt: skip
def test_wan_gets_videos_in_the_order_they_are_numbered(
    wire: dict[str, str], key: str, media: list[Any], prompt: str
) -> None:
    asked = order("wan", wire)
    said = wan_body(asked, links(asked))["input"]
    shown = [(item["type"], item["url"]) if isinstance(item, dict) else item for item in said[key]]
    assert shown == media
    assert said["prompt"].replace(" ", "") == prompt.replace(" ", "")
