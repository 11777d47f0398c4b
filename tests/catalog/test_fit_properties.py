"""What holds of every fit: no quote breaks its card, and no refusal is without a reason."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dramagen import Camera, Cut, Image, Line, Reference, Shot
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Order, Quote, Refusal
from dramagen.shot import MOVES, RESOLUTIONS

Fitted = Callable[..., Quote | Refusal]

ROUTES = [route.id for route in Catalog.load().routes()]
RATIOS = ["9:16", "16:9", "1:1", "3:4", "4:3", "21:9", "2:3", "18:32"]

pictures = st.sampled_from(["720x1280", "1280x720", "1024x1024", "496x864", "100x100"]).map(
    lambda size: Image.from_bytes(f"png {size}".encode())
)
references = st.builds(
    Reference,
    st.sampled_from(["林夏", "lin", "gu"]),
    st.lists(pictures, min_size=1, max_size=3),
    video=st.none() | st.just(b"mp4 720x1280 5.0"),
    voice=st.none() | st.just(b"wav 3.0"),
)


def mostly(usual: Any, other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """``usual`` three times in four, so that most shots fit somewhere and each rule is still met."""
    return st.integers(0, 3).flatmap(lambda n: other if n == 3 else st.just(usual))


@st.composite
def shots(draw: st.DrawFn) -> Shot:
    duration = draw(st.sampled_from([3.0, 4.5, 5.0, 6.04, 10.0, 12.5, 29.9, 31.0]) | st.just(5.0))
    first = draw(mostly(None, pictures))
    cuts: list[Cut] = []
    if draw(mostly(False, st.just(True))):
        head = draw(st.sampled_from([1.0, 1.5]))
        cuts = [Cut("a", head), Cut("b", round(duration - head, 3))]
    fields: dict[str, Any] = {
        "aspect_ratio": draw(mostly("9:16", st.sampled_from(RATIOS))),
        "resolution": draw(mostly("720p", st.sampled_from(RESOLUTIONS))),
        "first_frame": first,
        "last_frame": draw(st.none() | pictures) if first else None,
        "references": draw(mostly([], st.lists(references, max_size=2, unique_by=lambda r: r.name))),
        "camera": draw(mostly(None, st.builds(Camera, st.sampled_from(MOVES)))),
        "dialogue": draw(mostly([], st.just([Line("lin", "好", voice="v")]))),
        "audio": draw(mostly(None, st.booleans())),
        "seed": draw(mostly(None, st.integers(0, 2**32 - 1))),
        "negative_prompt": draw(mostly("", st.just("文字"))),
        "cuts": cuts,
        "allow_longer": draw(st.booleans()),
        "strict": draw(
            mostly(
                frozenset(), st.frozensets(st.sampled_from(["seed", "resolution", "duration", "references"]))
            )
        ),
    }
    return Shot("雨夜", duration=duration, **fields)


def within(order: Order, shot: Shot, catalog: Catalog) -> None:
    card = catalog.model(order.route.provider, order.route.model)
    mode = card.mode(order.mode)
    assert mode is not None
    assert mode.durations.at_least(order.duration) == order.duration
    assert order.duration >= Decimal(str(shot.duration))
    assert order.duration <= mode.longest_at.get(order.resolution, mode.durations.longest)
    assert order.resolution in mode.resolutions
    assert RESOLUTIONS.index(order.resolution) >= RESOLUTIONS.index(shot.resolution)
    if order.aspect_ratio is None:
        assert mode.follows_frame
        assert order.first_frame is not None
        for frame in (order.first_frame, order.last_frame):
            if frame is not None:
                assert frame.width
                assert frame.height
                wide, high = map(int, shot.aspect_ratio.split(":"))
                assert abs(Fraction(frame.width, frame.height) / Fraction(wide, high) - 1) <= Fraction(
                    25, 1000
                )
    else:
        assert order.aspect_ratio in mode.ratios
    assert order.audio in {"switch": (True, False), "always": (True,), "never": (False,)}[mode.audio]
    if order.audio and mode.audio_resolutions:
        assert order.resolution in mode.audio_resolutions
    assert shot.audio in (None, order.audio)
    assert order.camera == shot.camera
    assert order.camera is None or not mode.moves or order.camera.move in mode.moves
    assert bool(order.cuts) == bool(shot.cuts)
    if order.cuts:
        assert mode.cuts is not None
        assert sum(Decimal(str(c.duration)) for c in order.cuts) == order.duration
    assert order.seed is None or (mode.seed is not None and order.seed <= mode.seed_max)
    assert not order.negative_prompt or mode.negative_prompt is not None
    assert not order.dialogue or mode.dialogue is not None
    assert sum(line.voice is not None for line in order.dialogue) <= mode.voice_ids
    assert [r.name for r in order.references] == [r.name for r in shot.references]
    assert sum(len(r.images) for r in order.references) <= mode.references.images
    assert (order.first_frame is None, order.last_frame is None) == (
        shot.first_frame is None,
        shot.last_frame is None,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(shot=shots(), route=st.sampled_from(ROUTES), can_trim=st.booleans(), overridden=st.booleans())
def test_no_quote_breaks_its_card(
    fitted: Fitted, catalog: Catalog, shot: Shot, route: str, can_trim: bool, overridden: bool
) -> None:
    found = fitted(shot, route, can_trim=can_trim, overridden=overridden)
    if isinstance(found, Refusal):
        assert found.rule
        assert found.reason
        return
    within(found.order, shot, catalog)
    asked = Decimal(str(shot.duration))
    if found.trim is not None:
        assert can_trim
        mode = catalog.model(found.route.provider, found.route.model).mode(found.order.mode)
        assert mode is not None
        assert found.trim.seconds == asked
        assert asked < found.order.duration or (mode.runs_over and asked == found.order.duration)
    else:
        assert found.order.duration == asked or (not can_trim and shot.allow_longer)
    assert not shot.strict & {adjustment.field for adjustment in found.adjustments}
    assert found.price.expected <= found.price.most
    assert found.price.most.amount >= 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(shot=shots(), route=st.sampled_from(ROUTES), more=st.sampled_from([0.5, 1.0, 5.0]))
def test_a_longer_shot_never_costs_less(fitted: Fitted, shot: Shot, route: str, more: float) -> None:
    short = fitted(shot.changed(cuts=()), route, overridden=True)
    longer = fitted(shot.changed(cuts=(), duration=shot.duration + more), route, overridden=True)
    if isinstance(short, Quote) and isinstance(longer, Quote):
        assert short.price.expected <= longer.price.expected
        assert short.price.most <= longer.price.most


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(shot=shots(), route=st.sampled_from(ROUTES))
def test_a_fit_is_the_same_every_time(fitted: Fitted, shot: Shot, route: str) -> None:
    one, two = fitted(shot, route), fitted(shot, route)
    assert one == two
    if isinstance(one, Quote) and isinstance(two, Quote):
        assert one.order.hash == two.order.hash
