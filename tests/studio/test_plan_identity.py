"""A plan is the same whatever was planned before: what shots of one shape share is what each would find alone."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dramagen import Camera, Cut, Line, Shot
from dramagen.adapters import adapter
from dramagen.catalog.drafts import Drafts
from dramagen.catalog.fit import fit
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Quote

TODAY = date(2026, 11, 22)

shots = st.builds(
    Shot,
    st.sampled_from(["雨夜，女主回头", "She turns --rs 720p", "x" * 2600, "雨" * 900]),
    negative_prompt=st.sampled_from(["", "blur"]),
    duration=st.sampled_from([3.0, 5.0, 5.5, 8.0, 10.0, 30.0]),
    aspect_ratio=st.sampled_from(["9:16", "16:9", "1:1", "7:5"]),
    resolution=st.sampled_from(["480p", "720p", "1080p", "4k"]),
    camera=st.sampled_from([None, Camera("push_in"), Camera("roll")]),
    dialogue=st.sampled_from([(), (Line("女主", "你来了。"),), (Line("女主", "你来了。", voice="v1"),)]),
    audio=st.sampled_from([None, True, False]),
    seed=st.sampled_from([None, 7]),
    options=st.sampled_from([{}, {"seedance": {"service_tier": "flex"}}]),
    strict=st.sampled_from([frozenset(), frozenset({"seed", "resolution"})]),
    allow_longer=st.booleans(),
)


def alone(shot: Shot, catalog: Catalog, drafts: Callable[[], Drafts | None], **known: Any) -> list[Any]:
    """Every route's answer."""
    shared = drafts()
    return [
        fit(
            shot, route, catalog, measure=lambda media: pytest.fail("there is nothing to measure"), today=TODAY,
            wording=adapter(catalog.provider(route.provider).adapter).wording, drafts=shared, **known,
        )
        for route in catalog.routes()
    ]  # fmt: skip


@pytest.fixture(scope="module")
def warm() -> Catalog:
    """A catalogue that every example before has used."""
    return Catalog.load()


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(shot=shots, can_trim=st.booleans())
def test_what_was_planned_before_changes_nothing(warm: Catalog, shot: Shot, can_trim: bool) -> None:
    shared = alone(shot, warm, Drafts, can_trim=can_trim)
    warm_kept, warm.kept = warm.kept, type(warm.kept)()
    try:
        cold = []
        for route, answer in zip(warm.routes(), shared, strict=True):
            warm.kept = type(warm.kept)()  # nothing is known, not even of the route before
            cold += [
                fit(
                    shot, route, warm, measure=lambda media: pytest.fail("nothing to measure"), today=TODAY,
                    wording=adapter(warm.provider(route.provider).adapter).wording, can_trim=can_trim,
                )
            ]  # fmt: skip
            assert cold[-1] == answer
    finally:
        warm.kept = warm_kept


def test_cuts_share_a_shape_and_not_their_lengths(warm: Catalog) -> None:
    two = Shot("a", duration=6, cuts=[Cut("b", 3.0), Cut("c", 3.0)])
    other = Shot("a", duration=6, cuts=[Cut("b", 2.0), Cut("c", 4.0)])
    for shot in (two, other):
        quotes = [answer for answer in alone(shot, warm, Drafts) if isinstance(answer, Quote)]
        assert quotes
        assert all(quote.order.cuts[0].duration == shot.cuts[0].duration for quote in quotes)
