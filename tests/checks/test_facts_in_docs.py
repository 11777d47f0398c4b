"""What the documents say of prices, cards and settings is what the library says."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dramagen import Episode, Shot, Studio
from dramagen.catalog.load import Catalog
from dramagen.engine.limits.pace import UNSAID
from dramagen.settings import gather

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs/examples/rain/episode.toml"
ROW = re.compile(r"^\| `([a-z]+:[a-z]+/[\w.-]+)` \| ([\d.]+ [A-Z]{3}) \|$", re.MULTILINE)


def toml_blocks(document: str) -> list[str]:
    text = (ROOT / document).read_text("utf-8")
    return re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    monkeypatch.setenv("DRAMAGEN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DRAMAGEN_PROVIDERS", raising=False)
    return Studio(cwd=tmp_path)


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_prices_of_the_example_are_those_of_the_cards(readme: str, studio: Studio) -> None:
    said = ROW.findall((ROOT / readme).read_text("utf-8"))
    totals = {
        total.route: total for total in studio.plan([s.shot for s in Episode.load(EXAMPLE).shots]).routes()
    }
    assert len(said) >= 5
    assert said == [(route, str(totals[route].total)) for route, _ in said]
    assert [route for route, _ in said if totals[route].refused] == []


def test_the_example_is_what_the_readme_says() -> None:
    episode = Episode.load(EXAMPLE)
    shots = [each.shot for each in episode.shots]
    seconds = sum(shot.duration for shot in shots)
    spoken = sum(bool(shot.dialogue) for shot in shots)
    assert (len(shots), seconds, spoken) == (13, 59, 4)
    text = (ROOT / "README.md").read_text("utf-8")
    assert "13 shots, 59 s, 720p, 9:16, four shots with dialogue" in text


PINS = ["seedance", "seedance-2.0", "kling", "kling-3.0-omni", "wan", "hailuo", "vidu", "previz"]


@pytest.mark.parametrize("pin", PINS)
def test_the_example_can_be_filmed_on_every_kind_of_route(pin: str, studio: Studio) -> None:
    plan = studio.plan([each.shot for each in Episode.load(EXAMPLE).repinned(pin).shots])
    for planned in plan.shots:
        assert any(quote.route.satisfies(pin) for quote in planned.quotes), planned.shot.id


def test_the_cards_of_the_tutorial_make_a_route(tmp_path: Path) -> None:
    _, provider, model = toml_blocks("docs/add-a-provider.md")
    (tmp_path / "lantern/models").mkdir(parents=True)
    (tmp_path / "lantern/provider.toml").write_text(provider, "utf-8")
    (tmp_path / "lantern/models/lantern-1.toml").write_text(model, "utf-8")
    assert "lantern:cn/lantern-1" in {route.id for route in Catalog.load((tmp_path,)).routes()}


def test_the_gateway_of_the_tutorial_changes_the_price(tmp_path: Path, studio: Studio) -> None:
    (tmp_path / "dramagen.toml").write_text(toml_blocks("docs/add-a-provider.md")[0], "utf-8")
    plan = Studio(cwd=tmp_path).plan(Shot("雨夜", duration=5, pin="seedance-2.0"))
    prices = {quote.route.id: str(quote.price.expected) for quote in plan.shots[0].quotes}
    assert prices["seedance:cn/seedance-2.0"] == "4.00 CNY"


def test_the_settings_in_the_concepts_are_read(tmp_path: Path) -> None:
    limits, settings = toml_blocks("docs/concepts.md")
    (tmp_path / "dramagen.toml").write_text(settings, "utf-8")
    read = gather(None, {"DRAMAGEN_HOME": str(tmp_path / "home")}, tmp_path)
    assert [budget.per for budget in read.budgets] == ["day"]
    found = read.lookup("limits", "kling")
    assert found is not None
    assert found[0] == 5
    (tmp_path / "dramagen.toml").write_text(limits, "utf-8")
    said = gather(None, {"DRAMAGEN_HOME": str(tmp_path / "home")}, tmp_path).lookup("limits", "seedance")
    assert said is not None
    assert (said[0].creates_per_minute, said[0].polls_per_second) == (600, 20)
    card: Any = Catalog.load((), read.providers).provider("seedance")
    assert str(card.discount) == "0.2"


def test_how_often_a_key_asks_where_nobody_says_is_in_the_concepts() -> None:
    text = (ROOT / "docs/concepts.md").read_text("utf-8")
    assert (
        f"asks about jobs at most {UNSAID['poll']} times a second and for lists of jobs {UNSAID['list']} times"
        in text
    )


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_remedies_in_the_readme_are_read(page: str, tmp_path: Path) -> None:
    text = (ROOT / page).read_text("utf-8")
    table, setting = re.findall(r"`(\[routing\.remedies\]) ([^`]+)`", text)[0]
    (tmp_path / "dramagen.toml").write_text(f"{table}\n{setting}\n", "utf-8")
    read = gather(None, {"DRAMAGEN_HOME": str(tmp_path / "home")}, tmp_path)
    assert read.routing.remedies == {"failed": ("again", "other_route")}


@pytest.mark.parametrize("document", [str(p.relative_to(ROOT)) for p in sorted((ROOT / "docs").glob("*.md"))])
def test_every_toml_block_is_toml(document: str) -> None:
    for block in toml_blocks(document):
        tomllib.loads(block)


def everything_said() -> str:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return "\n".join(document.read_text("utf-8") for document in documents)


def test_every_make_target_that_is_named_is_there() -> None:
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", everything_said(), re.MULTILINE)) <= there


def test_every_command_that_is_named_is_there() -> None:
    from typer.main import get_command

    from dramagen.cli.app import app

    there = set(getattr(get_command(app), "commands", {}))
    named = set(re.findall(r"(?:`|^|8900 )dramagen ([a-z]+)", everything_said(), re.MULTILINE))
    assert len(named) >= 8
    assert named <= there


def test_every_error_of_the_concepts_is_there_and_none_is_left_out() -> None:
    from dramagen import errors

    text = (ROOT / "docs/concepts.md").read_text("utf-8")
    table = text[text.index("## Errors") : text.index("## Settings")]
    named = {
        name
        for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    }
    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.DramagenError)
    }
    assert named == kinds - {"DramagenError"}
