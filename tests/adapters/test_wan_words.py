"""Wan: how mentions, camera, cuts, voices and lines are worded."""

from decimal import Decimal
from typing import Any, get_args

import pytest

from dramagen.adapters.wan import DashScopeAdapter
from dramagen.catalog.order import Input, Order, OrderReference
from dramagen.catalog.route import Route
from dramagen.shot import Camera, Cut, Line, Move

PICTURE = Input(sha256="a" * 64, media_type="image/png", size=1, width=720, height=1280)
SOUND = Input(sha256="c" * 64, media_type="audio/wav", size=1)
LIN = OrderReference(name="林夏", images=(PICTURE,))
ROOF = OrderReference(name="天台", images=(PICTURE,))
WAN3 = {"protocol": "wan3", "model": "wan3.0-video"}
LEGACY = {"protocol": "legacy", "model": "wan2.6-r2v"}
HORSE = {"protocol": "wan2.7", "model": "happyhorse-1.0-r2v", "image": "[Image {}]"}


def said(prompt: str, wire: dict[str, Any] | None = None, **changes: Any) -> str:
    references = changes.pop("references", ())
    order = Order(
        route=Route(provider="wan", region="cn", model="wan-3.0"),
        wire=wire or WAN3,
        mode="references" if references else "text",
        prompt=prompt,
        duration=Decimal(5),
        resolution="720p",
        width=720,
        height=1280,
        aspect_ratio="9:16",
        audio=True,
        references=references,
        **changes,
    )
    return DashScopeAdapter().wording(order)


@pytest.mark.parametrize(
    ("wire", "prompt", "words"),
    [
        (WAN3, "@林夏走上@天台", "图1走上图2。"),
        (WAN3, "@林夏 walks onto @天台 slowly", "Image 1 walks onto Image 2 slowly."),
        (LEGACY, "@林夏走上@天台", "character1 走上character2。"),
        (HORSE, "@林夏走上@天台", "[Image 1] 走上[Image 2]。"),
    ],
)
def test_each_protocol_has_its_own_names_for_pictures(wire: dict[str, Any], prompt: str, words: str) -> None:
    assert said(prompt, wire, references=(LIN, ROOF)) == words


def test_who_is_not_mentioned_is_told() -> None:
    assert said("她回头", references=(LIN, ROOF)) == "她回头。图1是林夏，图2是天台。"
    assert said("she turns", references=(LIN,)) == "she turns. Image 1 is 林夏."


def test_a_speaker_is_named_by_the_picture() -> None:
    words = said("雨夜", references=(LIN,), dialogue=(Line("林夏", '他说"走"', language="zh-CN"),))
    assert words == "雨夜。图1用中文说：\"他说'走'\""


def test_a_voice_is_numbered_where_it_has_an_item_of_its_own() -> None:
    heard = OrderReference(name="林夏", images=(PICTURE,), voice=SOUND)
    assert said("@林夏回头", references=(heard,)) == "图1回头。图1的音色参考音频1。"
    assert said("@林夏 turns", references=(heard,)) == "Image 1 turns. Image 1 has the voice of Audio 1."
    with_item = {"protocol": "wan2.7", "model": "wan2.7-r2v"}
    assert said("@林夏回头", with_item, references=(heard,)) == "图1回头。"


def test_shots_carry_their_seconds_and_the_lines_of_who_is_in_them() -> None:
    cuts = (Cut("门开了", 2.5), Cut("@林夏进来", 2.5))
    words = said("雨夜", cuts=cuts, references=(LIN,), dialogue=(Line("林夏", "走"), Line("他", "好")),
                 camera=Camera("static"))  # fmt: skip
    assert (
        words == '雨夜。固定镜头。\n镜头1 [0-2.5秒] 门开了。他说："好"\n镜头2 [2.5-5秒] 图1进来。图1说："走"'
    )
    english = said("rain", cuts=(Cut("a door", 2), Cut("a cat", 3)))
    assert english == "rain.\nShot 1 [0-2s] a door.\nShot 2 [2-5s] a cat."


@pytest.mark.parametrize("move", get_args(Move))
def test_every_move_has_words_in_both_languages(move: Move) -> None:
    slow, fast = (said("雨夜", camera=Camera(move, speed)) for speed in ("slow", "fast"))
    assert slow.startswith("雨夜。")
    assert (slow == fast) is (move == "static")
    assert "{" not in said("rain", camera=Camera(move, "slow"))
