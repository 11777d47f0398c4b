"""A mention in a shot without references is text, and the quote says so."""

from datetime import date
from typing import Any

from dramagen import Cut, Shot
from dramagen.catalog.fit import fit
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Quote


def warnings(shot: Shot) -> list[str]:
    catalog = Catalog.load()
    (route,) = catalog.matching("kling:cn/kling-3.0")
    nothing: Any = None
    quote = fit(shot, route, catalog, measure=nothing, today=date(2026, 11, 23))
    assert isinstance(quote, Quote), quote
    return [line for line in quote.warnings if "@" in line]


def test_a_mention_without_references_is_remarked_once() -> None:
    cuts = [Cut("@角色A 走", 2), Cut("@角色A 停", 2)]
    assert warnings(Shot("@角色A 走进来", duration=5)) == [
        "@角色A is sent as text: the shot has no references"
    ]
    assert len(warnings(Shot("@角色A 走进来", duration=4, cuts=cuts))) == 1


def test_text_is_not_remarked() -> None:
    assert not warnings(Shot("手机屏幕上是“@官方账号”，邮箱 a@b.com", duration=5))
