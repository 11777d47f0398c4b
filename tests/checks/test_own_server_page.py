"""The settings printed in docs/your-own-server.md make the routes the page says they make."""

import re
from pathlib import Path

import pytest

from dramagen import Config, Money, Shot, Studio

PAGE = Path(__file__).parents[2] / "docs" / "your-own-server.md"


@pytest.mark.parametrize(
    ("pin", "expected", "most"),
    [
        ("selfhosted/wan-2.2-t2v-a14b", "0.18 CNY", "0.40 CNY"),
        ("rig/wan-2.2-t2v-a14b", "0 CNY", "0 CNY"),
    ],
)
def test_the_settings_on_the_page_route_as_printed(
    tmp_path: Path, pin: str, expected: str, most: str
) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "dramagen.toml").write_text("\n".join(blocks), "utf-8")
    studio = Studio(Config(home=tmp_path / "home"), cwd=tmp_path)
    shot = Shot("雨夜，女主回头", duration=5, resolution="480p", aspect_ratio="16:9", pin=pin)
    (attempt,) = studio.plan(shot).shots[0].attempts
    assert attempt.route.provider == pin.partition("/")[0]
    assert attempt.price.expected == Money(expected)
    assert attempt.price.most == Money(most)
