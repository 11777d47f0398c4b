"""docs/models.md is what the cards say today."""

import re
from pathlib import Path

import pytest

from dramagen.catalog.capabilities import capabilities, markdown, record
from dramagen.catalog.load import Catalog

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/models.md"

CATALOG = Catalog.load()


def test_the_page_is_what_the_cards_say() -> None:
    written = PAGE.read_text("utf-8")
    assert written == markdown(CATALOG), "docs/models.md is not what the cards say: run `make docs`"


def test_every_model_is_on_the_page_once() -> None:
    named = re.findall(r"`([^`]+)`", PAGE.read_text("utf-8").split("## ", 1)[1])
    models = [model for provider in CATALOG.providers() for model in CATALOG.models(provider)]
    assert sorted(named) == sorted(models)


def test_the_page_is_linked_from_both_readmes() -> None:
    for readme in ("README.md", "README.zh.md"):
        assert "(docs/models.md)" in (ROOT / readme).read_text("utf-8")


@pytest.mark.parametrize(
    ("model", "column", "said"),
    [
        ("kling/kling-1.6", "camera", "refused"),
        ("kling/kling-3.0", "cuts", "native: up to 6, whole seconds, 1 s or more each"),
        ("kling/kling-3.0-turbo", "last frame", "refused"),
        ("hailuo/hailuo-2.3", "camera", "prompt, but not orbit_left, orbit_right, roll"),
        ("hailuo/hailuo-02", "length", "6, 10 s (1080p at most 6 s)"),
        ("seedance/seedance-2.0", "seed", "native, with no documented effect"),
        ("vidu/viduq2", "voice ids", "native: 1 (text); native: 7 (references)"),
        ("wan/wan-2.7", "negative prompt", "native"),
        ("sora/sora-2", "list price", "0.1 USD/second"),
    ],
)
def test_what_is_said_of_a_model(model: str, column: str, said: str) -> None:
    provider, _, name = model.partition("/")
    assert capabilities(CATALOG.model(provider, name), CATALOG.provider(provider))[column] == said


def test_every_row_has_every_column() -> None:
    wanted: list[str] | None = None
    for provider in CATALOG.providers():
        for name in CATALOG.models(provider):
            row = record(CATALOG.model(provider, name), CATALOG.provider(provider))["capabilities"]
            wanted = wanted or list(row)
            assert list(row) == wanted
            assert all(row.values()), name
