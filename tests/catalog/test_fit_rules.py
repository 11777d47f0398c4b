"""Each rule of a fit: what is asked, what is given, what is refused and why."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from dramagen import Camera, Cut, Image, Line, Money, Reference, Shot
from dramagen.catalog.fit import UNMEASURED, NotMeasured, measured
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Input, Order, Quote, Refusal
from dramagen.errors import InvalidShot
from dramagen.medium import Media

Quoted = Callable[..., Quote]
Refused = Callable[..., Refusal]

KLING, TURBO, OMNI = "kling:cn/kling-3.0", "kling:cn/kling-3.0-turbo", "kling:cn/kling-3.0-omni"
K26, K25, O1 = "kling:cn/kling-2.6", "kling:cn/kling-2.5-turbo", "kling:cn/kling-o1"
ARK, ARK25, ARK10 = "seedance:cn/seedance-2.0", "seedance:cn/seedance-2.5", "seedance:cn/seedance-1.0-pro"


def shot(prompt: str = "雨夜,女主回头", **fields: Any) -> Shot:
    return Shot(prompt, **fields)


def picture(size: str = "720x1280", kind: str = "png") -> Image:
    return Image.from_bytes(f"{kind} {size}".encode())


def adjusted(quote: Quote) -> dict[str, tuple[str, str]]:
    return {a.field: (a.asked, a.given) for a in quote.adjustments}


# Length


@pytest.mark.parametrize(
    ("route", "asked", "ordered"),
    [(KLING, 5, 5), (KLING, 4.2, 5), (KLING, 1, 3), (K26, 5.5, 10), (ARK, 2, 4), (ARK25, 29.1, 30)],
)
def test_length_is_rounded_up_and_trimmed_back(
    quoted: Quoted, route: str, asked: float, ordered: int
) -> None:
    found = quoted(shot(duration=asked), route)
    assert found.order.duration == ordered
    if ordered == asked:
        assert found.trim is None
        assert "duration" not in adjusted(found)
    else:
        assert found.trim is not None
        assert found.trim.seconds == Decimal(str(asked))
        assert adjusted(found)["duration"] == (f"{asked:g} s", f"{ordered} s")


def test_one_length_has_one_spelling(quoted: Quoted) -> None:
    """Whatever the card's step is, the same order has the same hash."""
    lengths = [quoted(shot(duration=d), "previz:local/previz").order.duration for d in (5, 5.0, 4.50, 10)]
    assert [str(length) for length in lengths] == ["5", "5", "4.5", "10"]


def test_too_long_is_refused(refused: Refused) -> None:
    found = refused(shot(duration=15.5), KLING)
    assert found.rule == "duration"
    assert "3 to 15 s" in found.reason


def test_what_cannot_be_trimmed_needs_leave(quoted: Quoted, refused: Refused) -> None:
    assert refused(shot(duration=4.5), KLING, can_trim=False).rule == "duration"
    longer = quoted(shot(duration=4.5, allow_longer=True), KLING, can_trim=False)
    assert longer.trim is None
    assert "duration" in adjusted(longer)
    assert quoted(shot(duration=5), KLING, can_trim=False).order.duration == 5


def test_strict_length_is_not_rounded(refused: Refused) -> None:
    assert refused(shot(duration=4.5, strict={"duration"}), KLING).rule == "duration"


# Tier, ratio, pixels


def test_resolution_only_goes_up(quoted: Quoted, refused: Refused) -> None:
    up = quoted(shot(resolution="480p"), KLING)
    assert up.order.resolution == "720p"
    assert adjusted(up)["resolution"] == ("480p", "720p")
    assert refused(shot(resolution="4k"), ARK25).rule == "resolution"
    assert refused(shot(resolution="480p", strict={"resolution"}), KLING).rule == "resolution"


@pytest.mark.parametrize(
    ("route", "tier", "ratio", "pixels"),
    [
        (ARK, "720p", "9:16", (720, 1280)),
        (ARK, "480p", "9:16", (496, 864)),
        (ARK25, "480p", "9:16", (480, 854)),
        (ARK, "4k", "21:9", (4398, 1886)),
        (ARK10, "720p", "3:4", (832, 1120)),
        (KLING, "1080p", "1:1", (1440, 1440)),
        ("previz:local/previz", "720p", "9:16", (720, 1280)),
        (K25, "720p", "9:16", (None, None)),
    ],
)
def test_pixels_are_exact_where_known(
    quoted: Quoted, route: str, tier: str, ratio: str, pixels: tuple[int | None, int | None]
) -> None:
    order = quoted(shot(resolution=tier, aspect_ratio=ratio), route).order
    assert (order.width, order.height) == pixels
    assert order.aspect_ratio == ratio


def test_an_equal_ratio_is_spelled_the_vendors_way(quoted: Quoted) -> None:
    assert quoted(shot(aspect_ratio="18:32"), KLING).order.aspect_ratio == "9:16"


def test_ratio_is_hard(refused: Refused) -> None:
    found = refused(shot(aspect_ratio="4:3"), KLING)
    assert found.rule == "ratio"
    assert "16:9, 9:16, 1:1" in found.reason


# Frames


def test_a_frame_gives_the_ratio(quoted: Quoted) -> None:
    found = quoted(shot(first_frame=picture()), KLING)
    assert found.order.mode == "first_frame"
    assert found.order.aspect_ratio is None
    assert (found.order.width, found.order.height) == (720, 1280)
    assert found.adjustments == ()


def test_a_frame_may_have_a_ratio_no_text_may_ask_for(quoted: Quoted) -> None:
    found = quoted(shot(first_frame=picture("900x1200"), aspect_ratio="3:4"), KLING)
    assert (found.order.aspect_ratio, found.order.width) == (None, None)


def test_a_frame_off_ratio_is_cropped_and_listed(quoted: Quoted) -> None:
    found = quoted(shot(first_frame=picture("1024x1024"), last_frame=picture("1280x720")), KLING)
    assert found.order.mode == "first_last_frame"
    for frame in (found.order.first_frame, found.order.last_frame):
        assert frame is not None
        assert frame.sha256.startswith("adapted-")
        assert abs(Fraction(frame.width or 0, frame.height or 1) - Fraction(9, 16)) < Fraction(1, 100)
    assert adjusted(found)["first_frame"] == ("1024x1024", "576x1024, cropped in the middle")
    assert adjusted(found)["last_frame"] == ("1280x720", "405x720, cropped in the middle")


def test_a_frame_off_ratio_is_refused_where_nothing_can_crop(refused: Refused) -> None:
    found = refused(shot(first_frame=picture("1024x1024")), KLING, adapt=None)
    assert found.rule == "first_frame"
    assert "1024x1024" in found.reason
    strict = refused(shot(first_frame=picture("1024x1024"), strict={"first_frame"}), KLING)
    assert strict.rule == "first_frame"


def test_the_last_frame_of_a_vendors_own_clip_is_left_untouched(quoted: Quoted, catalog: Catalog) -> None:
    """Continuing from a clip must not crop at the seam, though grids stray from their ratio."""
    for name in catalog.models("seedance"):
        for mode in catalog.model("seedance", name).modes:
            for sizes in mode.sizes.values():
                for ratio, (width, height) in sizes.items():
                    frame = picture(f"{width}x{height}")
                    found = quoted(shot(first_frame=frame, aspect_ratio=ratio), ARK)
                    assert "first_frame" not in adjusted(found), (name, ratio, width, height)


def test_frames_the_model_does_not_take(refused: Refused) -> None:
    two = shot(first_frame=picture(), last_frame=picture())
    assert refused(two, TURBO).rule == "last_frame"
    assert refused(two, "seedance:cn/seedance-1.0-pro-fast").rule == "last_frame"


@pytest.mark.parametrize(
    ("frame", "why"),
    [(picture("200x356"), "300"), (picture("300x1300"), "0.4")],
)
def test_a_frame_outside_the_vendors_limits_is_refused(refused: Refused, frame: Image, why: str) -> None:
    found = refused(shot(first_frame=frame, aspect_ratio="9:39" if why == "0.4" else "9:16"), KLING)
    assert found.rule == "first_frame"
    assert why in found.reason


# Sound


@pytest.mark.parametrize(
    ("route", "audio", "given"),
    [
        (KLING, None, False),
        (KLING, True, True),
        (KLING, False, False),
        (TURBO, None, True),
        (TURBO, True, True),
        (K25, None, False),
        (K25, False, False),
    ],
)
def test_sound_as_asked(quoted: Quoted, route: str, audio: bool | None, given: bool) -> None:
    assert quoted(shot(audio=audio), route).order.audio is given


@pytest.mark.parametrize(("route", "audio"), [(TURBO, False), (K25, True), (ARK10, True), (O1, True)])
def test_sound_is_hard(refused: Refused, route: str, audio: bool) -> None:
    assert refused(shot(audio=audio), route).rule == "audio"


def test_sound_only_at_1080p_raises_the_tier(quoted: Quoted, refused: Refused) -> None:
    found = quoted(shot(audio=True), K26)
    assert (found.order.resolution, found.order.audio) == ("1080p", True)
    assert adjusted(found)["resolution"] == ("720p", "1080p")
    assert refused(shot(audio=True, strict={"resolution"}), K26).rule == "resolution"
    frames = shot(audio=True, first_frame=picture(), last_frame=picture())
    assert refused(frames, K26).rule == "audio"


def test_dialogue_means_sound(quoted: Quoted, refused: Refused) -> None:
    spoken = shot(dialogue=[Line("林夏", "你终于来了")])
    assert quoted(spoken, ARK).order.audio is True
    assert refused(spoken, K25).rule == "audio"
    silent = quoted(spoken.changed(audio=False), K25)
    assert silent.order.dialogue == ()
    assert "dialogue" in adjusted(silent)


def test_chosen_voices(quoted: Quoted, refused: Refused) -> None:
    spoken = shot(dialogue=[Line("a", "b", voice="v1")], first_frame=picture())
    assert quoted(spoken, K26).order.dialogue[0].voice == "v1"
    plain = quoted(spoken, KLING)
    assert plain.order.dialogue[0].voice is None
    assert adjusted(plain)["dialogue"] == ("voice v1", "left out")
    many = shot(dialogue=[Line("a", "b", voice=f"v{n}") for n in range(3)], first_frame=picture())
    assert refused(many, K26).rule == "dialogue"
    assert refused(spoken.changed(strict={"dialogue"}), KLING).rule == "dialogue"


# Camera, cuts


def test_a_camera_move_needs_words_or_a_field(quoted: Quoted, refused: Refused) -> None:
    moved = shot(camera=Camera("push_in", "slow"))
    assert quoted(moved, KLING).order.camera == Camera("push_in", "slow")
    assert refused(moved, "kling:cn/kling-2.1-master", overridden=True).rule == "camera"


def test_the_last_cut_takes_what_is_ordered_beyond_the_shot(quoted: Quoted) -> None:
    found = quoted(shot(duration=4.5, cuts=[Cut("a", 2), Cut("b", 2.5)]), KLING)
    assert [cut.duration for cut in found.order.cuts] == [2, 3]
    assert found.order.duration == 5
    assert found.trim is not None


@pytest.mark.parametrize(
    ("cuts", "why"),
    [
        ([Cut("a", 2.5), Cut("b", 2.5)], "whole seconds"),
        ([Cut("a", 1)] * 7, "at most 6"),
        ([Cut("a" * 513, 5)], "at most 512"),
    ],
)
def test_cuts_the_vendor_does_not_take(refused: Refused, cuts: list[Cut], why: str) -> None:
    found = refused(shot(duration=sum(c.duration for c in cuts), cuts=cuts), KLING)
    assert found.rule == "cuts"
    assert why in found.reason


def test_cuts_are_hard(refused: Refused) -> None:
    assert refused(shot(cuts=[Cut("a", 2), Cut("b", 3)]), K26).rule == "cuts"


# References


def lin(**fields: Any) -> Reference:
    return Reference("林夏", **({"images": [picture()]} | fields))


def test_references_choose_their_mode(quoted: Quoted, refused: Refused) -> None:
    found = quoted(shot("@林夏 回头", references=[lin()]), OMNI)
    assert found.order.mode == "references"
    assert found.order.references[0].name == "林夏"
    assert found.order.aspect_ratio == "9:16"
    assert refused(shot("@林夏 回头", references=[lin()]), KLING).rule == "references"


def test_frames_beside_references(quoted: Quoted, refused: Refused) -> None:
    both = shot("@林夏 回头", references=[lin()], first_frame=picture())
    found = quoted(both, OMNI)
    assert found.order.first_frame is not None
    assert found.order.aspect_ratio is None
    assert refused(both, ARK).rule == "references"
    assert refused(both.changed(last_frame=picture()), O1).rule == "references"


def test_too_many_pictures(refused: Refused) -> None:
    found = refused(shot("x", references=[lin(images=[picture()] * 8)]), OMNI)
    assert found.rule == "references"
    assert "8 images; at most 7" in found.reason


def test_a_voice_or_video_beside_pictures_is_left_out_and_listed(quoted: Quoted, refused: Refused) -> None:
    spoken = shot(
        dialogue=[Line("林夏", "好")], references=[lin(voice=b"wav 3.5", video=b"mp4 720x1280 5.0")]
    )
    found = quoted(spoken, OMNI)
    reference = found.order.references[0]
    assert (len(reference.images), reference.voice, reference.video) == (1, None, None)
    assert len([a for a in found.adjustments if a.field == "references"]) == 2
    assert quoted(spoken, ARK).order.references[0].voice is not None
    assert refused(spoken.changed(strict={"references"}), OMNI).rule == "references"


def test_a_reference_with_nothing_left_is_refused(refused: Refused) -> None:
    only = Reference("林夏", video=b"mp4 720x1280 5.0")
    assert refused(shot(references=[only]), OMNI).rule == "references"


def test_a_voice_alone(quoted: Quoted, refused: Refused) -> None:
    alone = shot(audio=True, references=[Reference("林夏", voice=b"wav 3.5")])
    assert refused(alone, ARK).rule == "references"
    assert quoted(alone, ARK25).order.references[0].voice is not None


def test_a_silent_clip_is_sent_no_voice(quoted: Quoted) -> None:
    found = quoted(shot(audio=False, references=[lin(voice=b"wav 3.5")]), ARK)
    assert found.order.references[0].voice is None
    assert adjusted(found)["references"] == ("@林夏's voice", "left out")


def test_voices_together_have_a_limit(refused: Refused) -> None:
    three = [Reference(f"r{n}", [picture()], voice=f"wav {8 + n}".encode()) for n in range(2)]
    found = refused(shot(audio=True, references=three), ARK)
    assert "17.0 s of voices; at most 15 s" in found.reason
    short = refused(shot(audio=True, references=[lin(voice=b"wav 1.0")]), ARK)
    assert "at least 2 s" in short.reason


# Words


def test_the_prompt_is_measured_as_it_is_sent(quoted: Quoted, refused: Refused) -> None:
    seen: list[Order] = []

    def wording(order: Order) -> str:
        seen.append(order)
        return "字" * 3073

    found = refused(shot(), KLING, wording=wording)
    assert found.rule == "prompt"
    assert "3,073" in found.reason
    assert seen[0].prompt == "雨夜,女主回头"
    assert any("advises 2,500" in w for w in quoted(shot("字" * 3072), KLING).warnings)


def test_what_the_adapter_has_no_words_for_is_refused(refused: Refused) -> None:
    def wording(order: Order) -> str:
        raise InvalidShot("no such words")

    assert refused(shot(), KLING, wording=wording).reason == "no such words"


def test_some_vendors_count_other_languages_otherwise(quoted: Quoted, refused: Refused) -> None:
    own = [{"per": "second", "amount": "1", "currency": "CNY"}]
    catalog = Catalog.load(overrides={"kling": {"models": {"kling-4.0": {"price": own}}}})
    assert quoted(shot("a" * 12_000), "kling:cn/kling-4.0", catalog=catalog)
    assert refused(shot("字" * 12_000), "kling:cn/kling-4.0", catalog=catalog).rule == "prompt"


@pytest.mark.parametrize("flag", ["--dur 10", "--RS 1080p", "--resolution 4k", "--wm true", "--seed=3"])
def test_old_commands_in_a_prompt_are_refused(refused: Refused, quoted: Quoted, flag: str) -> None:
    assert refused(shot(f"雨夜 {flag}"), ARK).rule == "prompt"
    assert quoted(shot(f"雨夜 {flag}"), KLING)


@pytest.mark.parametrize("text", ["he waits -- then runs", "a well--dur lit", "--durian market"])
def test_dashes_are_not_commands(quoted: Quoted, text: str) -> None:
    assert quoted(shot(text), ARK)


def test_negative_prompt(quoted: Quoted, refused: Refused) -> None:
    worded = quoted(shot(negative_prompt="文字"), KLING)
    assert worded.order.negative_prompt == "文字"
    assert adjusted(worded)["negative_prompt"] == ("文字", "in the prompt")
    dropped = quoted(shot(negative_prompt="文字"), ARK)
    assert dropped.order.negative_prompt == ""
    assert adjusted(dropped)["negative_prompt"] == ("文字", "left out")
    assert refused(shot(negative_prompt="文字", strict={"negative_prompt"}), ARK).rule == "negative_prompt"


def test_seed(quoted: Quoted, refused: Refused) -> None:
    assert quoted(shot(seed=7), ARK10).order.seed == 7
    assert quoted(shot(seed=7), ARK10).adjustments == ()
    assert quoted(shot(seed=7), ARK).order.seed == 7
    assert adjusted(quoted(shot(seed=7), ARK))["seed"][1] == "sent without a promise"
    assert quoted(shot(seed=7), KLING).order.seed is None
    assert quoted(shot(seed=2**32 - 1), ARK10).order.seed is None
    assert refused(shot(seed=7, strict={"seed"}), KLING).rule == "seed"


# Options, retirement, price, latency


def test_options_are_passed_through_but_not_over_the_order(quoted: Quoted, refused: Refused) -> None:
    extras = {
        "seedance": {"watermark": False},
        "kling": {"contents": [{"type": "element", "element_id": "1"}]},
    }
    assert dict(quoted(shot(options=extras), ARK).order.options) == {"watermark": False}
    assert "contents" in quoted(shot(options=extras), KLING).order.options
    assert refused(shot(options={"seedance": {"duration": 30}}), ARK).rule == "options"
    nested = {"kling": {"settings": {"duration": 15}}}
    assert refused(shot(options=nested), KLING).rule == "options"
    assert quoted(shot(options=nested), ARK).order.options == {}


def test_retired_models_say_since_when_and_what_instead(refused: Refused, quoted: Quoted) -> None:
    found = refused(shot(), "seedance:cn/seedance-1.5-pro")
    assert found.rule == "retired"
    assert "2026-09-21" in found.reason
    assert "seedance-2.0-mini" in found.reason
    assert quoted(shot(), "seedance:cn/seedance-1.5-pro", overridden=True)
    assert quoted(shot(), "seedance:intl/seedance-1.5-pro", today=date(2026, 10, 1))


def test_a_model_about_to_retire_is_quoted_with_a_warning(quoted: Quoted, refused: Refused) -> None:
    assert any("2026-11-24" in w for w in quoted(shot(), ARK10).warnings)
    assert not quoted(shot(), "seedance:intl/seedance-1.0-pro").warnings
    assert refused(shot(), ARK10, today=date(2026, 11, 24)).rule == "retired"


def test_a_retired_model_without_modes_is_refused_even_when_overridden(refused: Refused) -> None:
    assert refused(shot(), "seedance:cn/seedance-1.0-lite-t2v", overridden=True).rule == "text"


def test_without_a_price_it_says_how_to_state_one(refused: Refused, quoted: Quoted) -> None:
    found = refused(shot(), "kling:cn/kling-4.0")
    assert found.rule == "price"
    assert 'providers.kling.models."kling-4.0".price' in found.reason
    assert "USD" in refused(shot(), "kling:intl/kling-4.0").reason


def test_the_stated_price_works_as_the_reason_says(refused: Refused, quoted: Quoted) -> None:
    import tomllib

    said = refused(shot(), "kling:cn/kling-4.0").reason.partition("such as: ")[2]
    stated = Catalog.load(overrides=tomllib.loads(said)["providers"])
    assert quoted(shot(), "kling:cn/kling-4.0", catalog=stated).price.most == Money("3 CNY")


def test_a_region_the_model_is_not_served_in(refused: Refused) -> None:
    assert refused(shot(), "seedance:cn/seedance-2.5-premium").rule == "region"


def test_time_and_rating_come_from_the_card(quoted: Quoted) -> None:
    five, ten = quoted(shot(), ARK25), quoted(shot(duration=10), ARK25)
    assert (five.seconds, five.seconds_p90, five.rating) == (150, 360, 1477)
    assert ten.seconds == 150 + 5 * 7.2
    assert quoted(shot(first_frame=picture()), ARK25).rating == 1484
    assert quoted(shot(duration=10), KLING).seconds == 70  # no slope is known


def test_wire_values_are_the_cards(quoted: Quoted) -> None:
    assert quoted(shot(), ARK).order.wire == {"model": "doubao-seedance-2-0-260128"}
    assert quoted(shot(), "seedance:intl/seedance-2.0").order.wire["model"] == "dreamina-seedance-2-0-260128"
    omni = quoted(shot(), OMNI).order.wire
    assert (omni["protocol"], omni["products"]["text"]) == ("new", "omni-video")


# Media not fetched yet


def unfetched(media: Media) -> Input:
    raise NotMeasured("not fetched")


def test_a_plan_may_be_made_before_a_url_is_fetched(quoted: Quoted) -> None:
    by_url = shot(first_frame=Image.from_url("https://img.example/a.png"))
    found = quoted(by_url, KLING, measure=unfetched, planning=True)
    assert found.order.first_frame is not None
    assert found.order.first_frame.sha256 == UNMEASURED
    assert found.warnings == ("first_frame is not yet measured",)
    assert not measured(found.order)
    assert measured(quoted(shot(first_frame=picture()), KLING).order)


def test_an_order_to_send_may_not(quoted: Quoted) -> None:
    with pytest.raises(NotMeasured):
        quoted(shot(first_frame=Image.from_url("https://img.example/a.png")), KLING, measure=unfetched)
