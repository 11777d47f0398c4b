"""What happens to pictures, videos and voices on their way into an order. Nothing is read; sizes are stated."""

from collections.abc import Callable
from typing import Any

import pytest

from dramagen import Image, Reference, Shot
from dramagen.catalog.fit import NotMeasured
from dramagen.catalog.order import Input, Quote, Refusal
from dramagen.errors import MissingExtra
from dramagen.medium import Media, Video, Voice

Quoted = Callable[..., Quote]
Refused = Callable[..., Refusal]

KLING, OMNI = "kling:cn/kling-3.0", "kling:cn/kling-3.0-omni"
ARK, ARK25 = "seedance:cn/seedance-2.0", "seedance:cn/seedance-2.5"
WAN, WAN27 = "wan:cn/wan-3.0", "wan:cn/wan-2.7"
VIDU, H3 = "vidu:cn/viduq3", "hailuo:intl/minimax-h3"


def frame(what: str, **fields: Any) -> Shot:
    return Shot("雨夜", first_frame=Image.from_bytes(what.encode()), **fields)


def cast(*media: str, **fields: Any) -> Shot:
    """A shot of one person: pictures, and at most one video and one voice, by what their first word says."""
    sorted_: dict[str, Any] = {"images": []}
    for what in media:
        kind = {"mp4": "video", "mov": "video", "webm": "video", "wav": "voice", "mp3": "voice"}.get(
            what.rpartition("/")[2].split()[0]
        )
        given: Any = what if what.startswith("https://") else what.encode()
        if kind is None:
            sorted_["images"].append(given)
        else:
            sorted_[kind] = given
    return Shot("@林夏回头", references=[Reference("林夏", **sorted_)], **fields)


def changes(quote: Quote) -> list[tuple[str, str, str, str]]:
    return [(a.field, a.asked, a.given, a.why) for a in quote.adjustments]


# --- pictures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "route", "asked", "given", "why"),
    [
        ("jpeg 6750x12000", WAN, "6750x12000", "4500x8000", "at most 8,000 pixels a side"),
        ("webp 720x1280", KLING, "720x1280 webp", "720x1280 jpeg", "webp is not taken; jpeg, png are"),
        ("tiff 720x1280", KLING, "720x1280 tiff", "720x1280 png", "tiff is not taken; jpeg, png are"),
        (
            "png 720x1280 alpha", WAN, "720x1280, 1,000 bytes", "720x1280, 92,160 bytes", "no transparency is taken",
        ),
        ("webp 720x1280 alpha", KLING, "720x1280 webp", "720x1280 png", "webp is not taken; jpeg, png are"),
        (
            "jpeg 720x1280 31000000B", ARK, "720x1280, 31,000,000 bytes", "720x1280, 92,160 bytes",
            "at most 30,000,000 bytes",
        ),
        (
            "jpeg 720x1280 turned", ARK, "720x1280, 1,000 bytes", "720x1280, 92,160 bytes", "it is stored turned",
        ),
    ],
)  # fmt: skip
def test_a_picture_that_breaks_a_limit_is_changed_and_the_change_listed(
    quoted: Quoted, refused: Refused, what: str, route: str, asked: str, given: str, why: str
) -> None:
    found = quoted(frame(what), route)
    assert changes(found) == [("first_frame", asked, given, why)]
    assert found.order.first_frame is not None
    assert type(found.order.first_frame) is Input
    assert found.order.first_frame.sha256.startswith("adapted-")
    strict = refused(frame(what, strict={"first_frame"}), route)
    assert strict.rule == "first_frame"
    assert why in strict.reason
    bare = refused(frame(what), route, adapt=None)
    assert why in bare.reason
    assert "pip install 'dramagen[media]'" in bare.reason


def test_what_fits_is_sent_as_it_is(quoted: Quoted) -> None:
    for what in ("png 720x1280", "jpeg 720x1280", "png 720x1280 alpha"):
        found = quoted(frame(what), KLING)
        assert changes(found) == []
        assert found.order.first_frame is not None
        assert not found.order.first_frame.sha256.startswith("adapted-")
        assert type(found.order.first_frame) is Input


def test_a_frame_may_be_cropped_and_made_smaller_at_once(quoted: Quoted) -> None:
    found = quoted(frame("jpeg 20000x12000"), WAN)
    [(field, asked, given, why)] = changes(found)
    assert (field, asked, given) == ("first_frame", "20000x12000", "4500x8000, cropped in the middle")
    assert why.startswith("the output follows it, and 9:16 is asked; at most 8,000 pixels")


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("png 200x356", "200x356; no side under 300 pixels"),
        ("png 300x1300", "300x1300; width / height at least 0.4"),
        ("webp 250x250", "no side under 300 pixels"),
    ],
)
def test_a_reference_too_small_or_of_a_wrong_shape_is_refused(refused: Refused, what: str, why: str) -> None:
    found = refused(cast(what), OMNI)
    assert found.rule == "references"
    assert why in found.reason


def test_a_frame_that_is_too_small_once_cropped_is_refused(refused: Refused) -> None:
    found = refused(frame("png 1000x400"), KLING)
    assert (found.rule, "225x400; no side under 300" in found.reason) == ("first_frame", True)


def test_a_references_picture_is_changed_but_never_cropped(quoted: Quoted, refused: Refused) -> None:
    found = quoted(cast("webp 1000x500", "png 720x1280"), OMNI)
    assert changes(found) == [
        ("references", "@林夏's image 1000x500 webp", "1000x500 jpeg", "webp is not taken; jpeg, png are")
    ]
    assert refused(cast("webp 1000x500", strict={"references"}), OMNI).rule == "references"


def test_pictures_that_weigh_too_much_together_are_given_a_part_each(
    quoted: Quoted, refused: Refused
) -> None:
    heavy = cast("jpeg 2000x2000 9000000B", "png 3000x3000 9000000B", "jpeg 800x800 100000B")
    found = quoted(heavy, VIDU)
    assert [a.why for a in found.adjustments] == ["at most 4,666,666 bytes"] * 2
    assert sum(item.size for item in found.order.inputs()) <= 14_000_000
    assert (
        "together" in refused(heavy, VIDU, adapt=None).reason
        or "4,666,666" in refused(heavy, VIDU, adapt=None).reason
    )


def test_what_cannot_be_changed_is_refused_in_its_own_words(refused: Refused) -> None:
    found = refused(frame("jpeg 720x1280 31000000B"), ARK, adapt=_cannot)
    assert found.reason == "first_frame: at most 30,000,000 bytes; it is broken"


def _cannot(media: Media, recipe: object) -> Input:
    from dramagen.errors import InvalidShot

    raise InvalidShot("it is broken")


# --- videos and voices ------------------------------------------------------------------------------------

FILM = "https://cdn.example/mp4 720x1280 5.0"


@pytest.mark.parametrize("route", [ARK, ARK25, OMNI])
def test_a_video_the_vendor_fetches_itself_needs_a_url(quoted: Quoted, refused: Refused, route: str) -> None:
    by_url = quoted(cast("png 720x1280", FILM), route)
    assert by_url.order.references[0].video is not None
    assert by_url.order.references[0].video.duration == 5
    assert "cdn.example" not in by_url.model_dump_json()
    as_bytes = quoted(cast("png 720x1280", "mp4 720x1280 5.0"), route)
    assert as_bytes.order.references[0].video is None
    why = "takes a video only by its public URL"
    assert changes(as_bytes)[-1] == ("references", "@林夏's video", "left out", why)
    assert why in refused(cast("mp4 720x1280 5.0"), route).reason


@pytest.mark.parametrize("route", [WAN, WAN27, H3])
def test_a_video_that_is_sent_along_may_be_a_file(quoted: Quoted, route: str) -> None:
    for given in ("mp4 720x1280 5.0", FILM):
        assert quoted(cast("png 720x1280", given), route).order.references[0].video is not None


@pytest.mark.parametrize(
    ("video", "route", "why"),
    [
        ("webm 720x1280 5.0", WAN, "webm is not taken; mp4, mov are"),
        ("mp4 720x1280 0.5", WAN, "0.5 s; at least 1 s"),
        ("mp4 720x1280 15.5", WAN, "15.5 s; at most 15 s"),
        ("mp4 100x1280 5.0", WAN, "no side under 240 pixels"),
        ("mp4 720x5000 5.0", WAN, "no side over 4096 pixels"),
        ("mp4 720x1280 5.0 100000001B", WAN, "100,000,001 bytes; at most 100,000,000"),
        ("https://cdn.example/mp4 300x720 5.0", ARK, "at least 407,696 pixels in all"),
        ("https://cdn.example/mp4 720x1280 2.5", OMNI, "2.5 s; at least 3 s"),
    ],
)
def test_a_video_outside_the_limits_is_refused_and_never_changed(
    refused: Refused, video: str, route: str, why: str
) -> None:
    found = refused(cast("png 720x1280", video), route)
    assert (found.rule, why in found.reason) == ("references", True)


def test_a_mov_is_taken_for_one(quoted: Quoted) -> None:
    taken = quoted(cast("mov 720x1280 5.0"), WAN).order.references[0].video
    assert taken is not None
    assert taken.media_type == "video/quicktime"


def test_a_voice_is_measured_and_held_against_its_limits(quoted: Quoted, refused: Refused) -> None:
    spoken = {"audio": True}
    assert quoted(cast("png 720x1280", "wav 3.0", **spoken), WAN).order.references[0].voice is not None
    for voice, why in (("wav 0.5", "0.5 s; at least 1 s"), ("mp3 16.0", "16.0 s; at most 15 s")):
        assert why in refused(cast("png 720x1280", voice, **spoken), WAN).reason


def test_videos_and_clip_together_have_a_limit(quoted: Quoted, refused: Refused) -> None:
    film = "mp4 720x1280 10.0"
    assert quoted(cast(film, duration=20), WAN)
    found = refused(cast(film, duration=21), WAN)
    assert found.reason == "10.0 s of videos and 21 s of clip; at most 30 s together"
    assert refused(cast(film, duration=11), WAN27).rule == "duration"
    assert quoted(cast("png 720x1280", duration=11), WAN27)


def test_bytes_the_vendor_fetches_itself_do_not_count(quoted: Quoted) -> None:
    heavy = "https://cdn.example/mp4 720x1280 5.0 150000000B"
    assert quoted(cast("png 720x1280", heavy), ARK).order.references[0].video is not None


def test_what_cannot_be_measured_here_is_refused_and_says_what_to_install(refused: Refused) -> None:
    def bare(media: Media) -> Input:
        if isinstance(media, Video | Voice):
            raise MissingExtra("media", "decoding media")
        return Input(sha256="x", media_type="image/png", size=9, width=720, height=1280)

    found = refused(cast("png 720x1280", "mp4 720x1280 5.0"), WAN, measure=bare)
    assert "@林夏's video" in found.reason
    assert "dramagen[media]" in found.reason


def test_a_plan_may_be_made_before_a_video_is_fetched(quoted: Quoted) -> None:
    def unfetched(media: Media) -> Input:
        raise NotMeasured("not fetched")

    found = quoted(cast("https://img.example/a.png", FILM), ARK, measure=unfetched, planning=True)
    assert found.price.most > found.price.expected
    assert found.warnings == ("@林夏's image is not yet measured", "@林夏's video is not yet measured")
