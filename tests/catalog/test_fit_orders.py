"""What a fit orders, the vendor's own adapter can send: no quote is refused only when it is filmed."""

from collections.abc import Callable
from typing import Any

import pytest
from httpx import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dramagen import Camera, Cut, Image, Line, Reference, Shot
from dramagen.adapters import adapter
from dramagen.adapters.base import PAID, Attempt
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Order, Quote, Refusal
from dramagen.catalog.route import Route
from dramagen.shot import RESOLUTIONS

Fitted = Callable[..., Quote | Refusal]

PRICE = [{"per": "second", "amount": "1", "currency": "CNY"}]
CARDS = Catalog.load()
# What may be sent is asked here, not what it costs: some models, or inputs of theirs, have no published price.
PRICED = Catalog.load(
    overrides={
        provider: {"models": {model: {"price": PRICE} for model in CARDS.models(provider)}}
        for provider in CARDS.providers()
    }
)
ROUTES = [route.id for route in CARDS.routes()]
FRAME = Image.from_bytes(b"png 720x1280")
LIN = Reference(
    "林夏", [FRAME, Image.from_bytes(b"png 900x900")], voice=b"wav 3.0", video=b"mp4 720x1280 5.0"
)

INPUTS = st.sampled_from(
    [
        {},
        {"first_frame": FRAME},
        {"first_frame": FRAME, "last_frame": Image.from_bytes(b"png 1024x1024")},
        {"references": [LIN]},
        {"references": [LIN, Reference("林夏天", [FRAME])], "first_frame": FRAME},
    ]
)
WORDS = st.fixed_dictionaries(
    {},
    optional={
        "camera": st.just(Camera("orbit_left", "slow")),
        "cuts": st.just([Cut("@林夏 推门", 2), Cut("特写", 3)]),
        "dialogue": st.just([Line("林夏", "你终于来了", voice="v1", language="zh")]),
        "audio": st.booleans(),
        "seed": st.just(7),
        "negative_prompt": st.just("文字"),
        "resolution": st.sampled_from(["480p", "1080p"]),
    },
)


UPLOADED = {
    "data": {
        "policy": "p", "signature": "s", "upload_dir": "d", "upload_host": "https://store.example",
        "oss_access_key_id": "k", "x_oss_object_acl": "private", "x_oss_forbid_overwrite": "true",
    }
}  # fmt: skip
"""What vendors answer while media go up, before the create."""


def paid_request(order: Order, provider: str) -> bool:
    inputs = {item.sha256: b"content" for item in order.inputs()}
    attempt = Attempt(tag="a" * 24, created=1_795_000_000.0, inputs=inputs)
    flow = adapter(PRICED.provider(provider).adapter).submit(order, attempt)
    request = next(flow)
    while not request.extensions.get(PAID):
        request = flow.send(Response(200, json=UPLOADED))
    return True


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(route=st.sampled_from(ROUTES), inputs=INPUTS, said=WORDS)
def test_what_is_quoted_can_be_sent(fitted: Fitted, route: str, inputs: dict, said: dict) -> None:  # type: ignore[type-arg]  # fields of a shot
    where = Route.from_id(route)
    speaks = adapter(PRICED.provider(where.provider).adapter)
    shot = Shot("@林夏 走进雨夜", **inputs, **said)
    found = fitted(shot, route, wording=speaks.wording, overridden=True, catalog=PRICED)
    if isinstance(found, Quote):
        assert paid_request(found.order, where.provider)


@pytest.mark.parametrize("route", ROUTES)
def test_each_mode_of_each_route_can_be_sent(fitted: Fitted, route: str) -> None:
    where = Route.from_id(route)
    speaks = adapter(PRICED.provider(where.provider).adapter)
    for mode in PRICED.model(where.provider, where.model).modes:
        few = Reference("林夏", LIN.images[: mode.references.images], voice=LIN.voice, video=LIN.video)
        inputs: dict[str, dict[str, Any]] = {
            "text": {},
            "first_frame": {"first_frame": FRAME},
            "first_last_frame": {"first_frame": FRAME, "last_frame": FRAME},
            "references": {"references": [few]},
        }
        fields = inputs[mode.name]
        if "first_frame" not in fields and "9:16" not in mode.ratios:
            fields |= {"aspect_ratio": mode.ratios[0]}
        if RESOLUTIONS.index(mode.resolutions[-1]) < RESOLUTIONS.index("720p"):
            fields |= {"resolution": mode.resolutions[-1]}
        shot = Shot("@林夏 走进雨夜", **fields)
        found = fitted(shot, route, wording=speaks.wording, overridden=True, catalog=PRICED)
        assert isinstance(found, Quote), (mode.name, found)
        assert found.order.mode == mode.name
        assert paid_request(found.order, where.provider)
