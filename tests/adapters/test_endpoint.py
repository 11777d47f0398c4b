"""Orders as an aggregator's endpoints have them: every card, every mode, every tier, and the wording inside."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dramagen.adapters import endpoint
from dramagen.adapters.base import Attempt
from dramagen.adapters.endpoint_words import WORDS
from dramagen.catalog.cards import ModelCard
from dramagen.catalog.load import Catalog
from dramagen.catalog.modes import Mode
from dramagen.catalog.order import Input, Order, OrderReference
from dramagen.catalog.route import Route
from dramagen.errors import InvalidShot
from dramagen.shot import Camera, Cut, Line

CATALOG = Catalog.load()
FRAME = Input(sha256="a" * 64, media_type="image/png", size=3, width=720, height=1280)
OTHER = Input(sha256="b" * 64, media_type="image/JPG", size=3, width=720, height=1280)
FILM = Input(sha256="c" * 64, media_type="video/mp4", size=3, duration=3.0)
SOUND = Input(sha256="d" * 64, media_type="audio/x-wav", size=3, duration=3.0)
BYTES = {FRAME.sha256: b"png", OTHER.sha256: b"jpg", FILM.sha256: b"mp4", SOUND.sha256: b"wav"}
ATTEMPT = Attempt(tag="k3v9x2m7q1z8b4n6c5l0d9f8", created=0, inputs=BYTES)
PNG, JPG = "data:image/png;base64,cG5n", "data:image/jpeg;base64,anBn"


def order(provider: str, model: str, mode: str = "text", **changes: Any) -> Order:
    """An order of that mode with nothing optional in it, as the catalogue would resolve it."""
    card = CATALOG.model(provider, model)
    found = card.mode(mode)
    assert found is not None
    ratio = "9:16" if "9:16" in found.ratios else found.ratios[0]
    fields: dict[str, Any] = {
        "route": Route(provider=provider, region="intl", model=model),
        "wire": {**card.wire["intl"], **found.wire},
        "mode": mode,
        "prompt": "雨夜，女主推门而入",
        "duration": found.durations.at_least(Decimal(5)),
        "resolution": found.resolutions[0],
        "aspect_ratio": None if found.follows_frame and mode != "references" else ratio,
        "audio": found.audio == "always",
    }
    if mode in ("first_frame", "first_last_frame"):
        fields["first_frame"] = FRAME
    if mode == "first_last_frame":
        fields["last_frame"] = OTHER
    if mode == "references":
        fields["references"] = (OrderReference(name="林晚", images=(FRAME,)),)
    return Order(**(fields | changes))


def every() -> Iterator[tuple[str, ModelCard, Mode]]:
    for provider in ("fal", "replicate"):
        for name in CATALOG.models(provider):
            card = CATALOG.model(provider, name)
            for mode in card.modes:
                yield provider, card, mode


EVERY = [pytest.param(*case, id=f"{case[0]}-{case[1].id}-{case[2].name}") for case in every()]
KEYS = {
    "endpoint", "words", "mention", "fields", "also", "duration", "tiers", "adaptive", "cuts", "with_cuts", "fixed",
    "extras", "timestamps",
}  # fmt: skip


@pytest.mark.parametrize(("provider", "card", "mode"), EVERY)
def test_every_tier_of_every_mode_becomes_the_fields_of_its_endpoint(
    provider: str, card: ModelCard, mode: Mode
) -> None:
    for tier in mode.resolutions:
        asked = order(provider, card.id, mode.name, resolution=tier)
        body, fields = endpoint.body_of(asked, endpoint.inline(ATTEMPT)), endpoint.names(asked)
        sent = {"prompt", "duration", "resolution", "audio"}
        sent |= {"ratio"} if asked.aspect_ratio or asked.wire.get("adaptive") else set()
        sent |= {"images"} if asked.references else set()
        sent |= {"first_frame"} if asked.first_frame else set()
        sent |= {"last_frame"} if asked.last_frame else set()
        assert body.keys() == {fields[thing] for thing in sent & fields.keys()} | set(
            asked.wire.get("fixed", {})
        )
        assert re.fullmatch(r"[a-z0-9][\w.-]*(/[a-z0-9][\w.-]*)+", endpoint.id_of(asked))


@pytest.mark.parametrize(("provider", "card", "mode"), EVERY)
def test_a_card_promises_nothing_its_endpoint_has_no_field_for(
    provider: str, card: ModelCard, mode: Mode
) -> None:
    wire = {**card.wire["intl"], **mode.wire}
    fields = {**wire.get("fields", {}), **wire.get("also", {})}
    assert wire.keys() <= KEYS
    assert fields.keys() <= endpoint.THINGS
    assert len(set(fields.values())) == len(fields)
    assert wire["words"] in WORDS
    assert (mode.audio == "switch") == ("audio" in fields)
    assert (mode.seed is not None) == ("seed" in fields)
    assert mode.negative_prompt == ("native" if "negative" in fields else None)
    assert ("resolution" in fields) or isinstance(wire["endpoint"], dict) or len(mode.resolutions) == 1
    assert ("ratio" in fields) or mode.follows_frame or len(mode.ratios) == 1
    if isinstance(wire["endpoint"], dict):
        assert wire["endpoint"].keys() == set(mode.resolutions)
    if mode.cuts is not None:
        assert mode.cuts.way == ("native" if "cuts" in fields else "prompt")
    for thing, most in (
        ("images", mode.references.images),
        ("videos", mode.references.videos),
        ("voices", mode.references.voices),
    ):
        assert (most > 0) == (thing in fields), thing
    assert mode.references.frames == 0
    assert mode.voice_ids == 0


def test_types_and_spellings_are_the_endpoints_own() -> None:
    told = endpoint.body_of(order("fal", "seedance-2.0", duration=Decimal(5), seed=7, audio=True))
    assert told == {
        "prompt": "雨夜，女主推门而入。", "duration": "5", "resolution": "480p", "aspect_ratio": "9:16",
        "generate_audio": True, "seed": 7,
    }  # fmt: skip
    told = endpoint.body_of(order("fal", "minimax-h3", resolution="2k"))
    assert (told["duration"], told["resolution"]) == (5, "2K")
    assert endpoint.body_of(order("replicate", "kling-3.0", resolution="1080p"))["mode"] == "pro"
    told = endpoint.body_of(order("fal", "seedance-2.0", "first_frame"), endpoint.inline(ATTEMPT))
    assert (told["aspect_ratio"], told["image_url"]) == ("auto", PNG)
    told = endpoint.body_of(order("fal", "kling-2.5-turbo", "first_last_frame"), endpoint.inline(ATTEMPT))
    assert (told["image_url"], told["tail_image_url"]) == (PNG, JPG)
    told = endpoint.body_of(order("fal", "kling-3.0", "first_last_frame"), endpoint.inline(ATTEMPT))
    assert (told["start_image_url"], told["end_image_url"]) == (PNG, JPG)
    assert "aspect_ratio" not in told


@pytest.mark.parametrize(("tier", "named"), [("720p", "standard"), ("1080p", "pro"), ("4k", "4k")])
def test_a_tier_may_be_an_endpoint(tier: str, named: str) -> None:
    asked = order("fal", "kling-3.0", resolution=tier)
    assert endpoint.id_of(asked) == f"fal-ai/kling-video/v3/{named}/text-to-video"


def test_silence_is_said_too() -> None:
    for provider, model, field in (
        ("fal", "kling-3.0", "generate_audio"),
        ("replicate", "kling-3.0", "generate_audio"),
        ("fal", "viduq3-pro", "audio"),
    ):
        assert endpoint.body_of(order(provider, model, audio=False))[field] is False


CUTS = (Cut("她推门", 2.0), Cut("他回头，@林晚坐下", 3.0))


def test_kling_cuts_are_a_list_that_tells_the_whole_shot_once() -> None:
    asked = order(
        "fal", "kling-3.0", prompt="雨夜", cuts=(Cut("她推门", 2.0), Cut("他回头", 3.0)),
        camera=Camera("push_in"), dialogue=(Line("他", "是谁"),),
    )  # fmt: skip
    body = endpoint.body_of(asked)
    assert "prompt" not in body
    assert body["shot_type"] == "customize"
    assert body["multi_prompt"] == [
        {"prompt": "雨夜。她推门。镜头向前推近。", "duration": "2"},
        {"prompt": '他回头。他说："是谁"', "duration": "3"},
    ]
    assert endpoint.wording(asked) == '雨夜。她推门。镜头向前推近。\n他回头。他说："是谁"'


def test_a_list_of_cuts_may_be_a_text() -> None:
    body = endpoint.body_of(order("replicate", "kling-3.0", cuts=(Cut("a", 2.0), Cut("b", 3.0))))
    assert isinstance(body["multi_prompt"], str)
    assert body["prompt"] == "雨夜，女主推门而入。"
    assert [cut["duration"] for cut in json.loads(body["multi_prompt"])] == [2, 3]


@pytest.mark.parametrize("cuts", [(Cut("a", 2.0), Cut("b", 2.0)), (Cut("a", 2.5), Cut("b", 2.5))])
def test_cuts_that_do_not_add_up_are_refused(cuts: tuple[Cut, ...]) -> None:
    with pytest.raises(InvalidShot):
        endpoint.body_of(order("fal", "kling-3.0", cuts=cuts))


def test_a_cut_with_too_many_words_is_refused() -> None:
    with pytest.raises(InvalidShot, match="cut 2 takes"):
        endpoint.body_of(order("fal", "kling-3.0", cuts=(Cut("a", 2.0), Cut("好" * 512, 3.0))))


def test_other_models_are_told_cuts_in_their_own_words() -> None:
    told = endpoint.wording(order("fal", "seedance-2.5", cuts=(Cut("她推门", 2.0), Cut("他回头", 3.0))))
    assert told == "雨夜，女主推门而入。镜头1（0-2秒）：她推门。镜头2（2-5秒）：切至他回头。"


LIN = OrderReference(name="林晚", images=(FRAME,))
TWO = OrderReference(name="沈舟", images=(OTHER, FRAME))
STYLE = OrderReference(name="ink", kind="style", images=(OTHER,))


@pytest.mark.parametrize(
    ("provider", "model", "said"),
    [
        ("fal", "seedance-2.0", "@Image1 走向@Image2。@Image3 与 @Image2 是同一个。"),
        ("fal", "kling-3.0-omni", "@Image1 走向@Element1。"),
        ("fal", "kling-4.0", "@Image1 走向@Image2。@Image3 与 @Image2 是同一个。"),
        ("replicate", "seedance-2.0", "[Image1]走向[Image2]。[Image3] 与 [Image2] 是同一个。"),
        ("replicate", "kling-3.0-omni", "<<<image_1>>>走向<<<image_2>>>。<<<image_3>>> 与 <<<image_2>>> 是同一个。"),
        ("replicate", "kling-4.0", "@image_1 走向@image_2。@image_3 与 @image_2 是同一个。"),
    ],
)  # fmt: skip
def test_mentions_become_the_endpoints_names(provider: str, model: str, said: str) -> None:
    asked = order(provider, model, "references", prompt="@林晚走向@沈舟", references=(LIN, TWO))
    assert endpoint.wording(asked) == said


def test_several_pictures_of_one_are_an_element_where_there_are_elements() -> None:
    asked = order("fal", "kling-3.0-omni", "references", references=(LIN, TWO))
    body = endpoint.body_of(asked, endpoint.inline(ATTEMPT))
    assert body["image_urls"] == [PNG]
    assert body["elements"] == [{"frontal_image_url": JPG, "reference_image_urls": [PNG]}]
    many = OrderReference(name="a", images=(FRAME,) * 5)
    with pytest.raises(InvalidShot, match="at most 4"):
        endpoint.body_of(order("fal", "kling-3.0-omni", "references", references=(many,)))


def test_what_the_prompt_does_not_speak_of_is_said() -> None:
    asked = order(
        "fal", "seedance-2.0", "references", prompt="A quiet street", audio=True,
        references=(LIN, STYLE, OrderReference(name="Shen", images=(OTHER,), video=FILM, voice=SOUND)),
        dialogue=(Line("Shen", "Hello"),),
    )  # fmt: skip
    assert endpoint.wording(asked) == (
        "A quiet street. @Image1 is 林晚. The style follows @Image2. @Video1 shows the same as @Image3. "
        '@Image3 has the voice of @Audio1. @Image3 says: "Hello"'
    )
    body = endpoint.body_of(asked, endpoint.inline(ATTEMPT))
    assert body["video_urls"] == ["data:video/mp4;base64,bXA0"]
    assert body["audio_urls"] == ["data:audio/wav;base64,d2F2"]


def test_without_a_way_of_its_own_the_models_holds() -> None:
    asked = order("fal", "minimax-h3-max", "references", prompt="@林晚推门", references=(LIN,))
    assert "参考图片1是林晚" in endpoint.wording(asked)


@given(
    names=st.lists(
        st.sampled_from(["林晚", "林", "Lin", "Linda", "小白", "a1"]), min_size=1, max_size=4, unique=True
    ),
    words=st.lists(st.sampled_from(["走向", " walks to ", "，", "0", "and"]), min_size=4, max_size=4),
)
def test_no_mention_is_left_and_each_names_its_own_picture(names: list[str], words: list[str]) -> None:
    prompt = "".join(f"@{name}{word}" for name, word in zip(names, words, strict=False))
    references = tuple(OrderReference(name=name, images=(FRAME,)) for name in names)
    told = endpoint.wording(order("fal", "seedance-2.0", "references", prompt=prompt, references=references))
    assert not re.search(r"[\ue000-\uf8ff]", told)
    found = re.findall(r"@Image(\d+)", told)
    assert {int(number) for number in found} <= set(range(1, len(names) + 1))


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"negative_prompt": "rain"},
        {"first_frame": FRAME},
        {"references": (LIN,)},
        {"last_frame": FRAME},
        {"duration": Decimal("5.5")},
        {"dialogue": (Line("林晚", "你好", voice="v1"),)},
        {"options": {"watermark": True}},
        {"options": {"end_image_url": "https://example.invalid/x.png"}},
        {"options": {"prompt": "another"}},
    ],
    ids=str,
)
def test_what_the_endpoint_has_no_field_for_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidShot):
        endpoint.body_of(order("fal", "kling-4.0", **changes))


def test_options_reach_only_the_fields_that_exist() -> None:
    asked = order("fal", "kling-3.0", options={"cfg_scale": 0.7})
    assert endpoint.body_of(asked)["cfg_scale"] == 0.7
    with pytest.raises(InvalidShot, match="may set end_user_id"):
        endpoint.body_of(order("fal", "seedance-2.0", options={"seed": 3}))


def test_a_medium_that_is_not_at_hand_is_refused() -> None:
    with pytest.raises(InvalidShot, match="not at hand"):
        endpoint.body_of(order("fal", "kling-3.0", "first_frame"), endpoint.inline(Attempt("t", 0)))


def test_a_card_without_an_endpoint_or_a_wording_is_refused() -> None:
    bare = order("fal", "kling-3.0")
    for wire in ({**bare.wire, "endpoint": {}}, {**bare.wire, "endpoint": ""}):
        with pytest.raises(InvalidShot, match="no endpoint"):
            endpoint.id_of(bare.model_copy(update={"wire": wire}))
    with pytest.raises(InvalidShot, match="no wording"):
        endpoint.wording(bare.model_copy(update={"wire": {**bare.wire, "words": "latin"}}))


SHOWN = order("fal", "seedance-2.0", "first_frame", seed=3)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"image_url": "https://v3.fal.media/files/x.png"}, True),
        ({"end_user_id": None, "image_urls": []}, True),
        ({"seed": 4}, False),
        ({"prompt": "another"}, False),
        ({"image_url": None}, False),
        ({"duration": 5}, False),
    ],
)
def test_an_input_is_known_again(change: dict[str, Any], same: bool) -> None:
    told = endpoint.body_of(SHOWN, endpoint.inline(ATTEMPT)) | change
    assert endpoint.is_same(SHOWN, told) is same


def test_an_input_with_more_media_is_another() -> None:
    plain = order("replicate", "seedance-2.0")
    told = endpoint.body_of(plain)
    assert endpoint.is_same(plain, told)
    asked = order("replicate", "seedance-2.0", "references", references=(LIN, TWO))
    assert endpoint.is_same(asked, endpoint.body_of(asked, endpoint.inline(ATTEMPT)))
    assert not endpoint.is_same(asked, endpoint.body_of(asked) | {"reference_images": ["x"]})
    assert not endpoint.is_same(plain, "prompt")
    assert not endpoint.is_same(plain, None)
