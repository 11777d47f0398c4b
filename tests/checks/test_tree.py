"""The shape of the repository: a fixed top level, and nothing of the machine it was made on."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TOP_LEVEL = {
    ".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "README.zh.md",
    "benchmarks", "docs", "providers", "pyproject.toml", "src", "tests",
}  # fmt: skip

TEXT = {".py", ".toml", ".md", ".txt", ".json", ".yml", ".yaml", ".cfg", ".srt", ""}

# Written so that this file does not find itself.
PLACES = re.compile(r"/(?:work|home|root|Users)(?:/)[\w.-]")
REGISTRIES = re.compile(
    r"(?:pypi|pythonhosted|npmjs|crates|rubygems)(?:\.)(?:org|com|io)|(?:index-url|registry=)(?:)"
)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout: there is no list of what belongs to the project")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_the_top_level_is_fixed(tracked: list[Path]) -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked} - TOP_LEVEL == set()


def test_cards_are_data(tracked: list[Path]) -> None:
    wrong = [p for p in tracked if ROOT / "providers" in p.parents and p.suffix not in {".toml", ".md"}]
    assert wrong == []


def test_text_is_utf_8_and_names_no_machine_and_no_registry(tracked: list[Path]) -> None:
    texts = [path for path in tracked if path.suffix in TEXT and path != Path(__file__)]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {hit[0]}"
        for path in texts
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for pattern in (PLACES, REGISTRIES)
        if (hit := pattern.search(line))
    ]
    assert found == []


def test_files_are_small(tracked: list[Path]) -> None:
    large = {str(p.relative_to(ROOT)): p.stat().st_size for p in tracked if p.stat().st_size > 300_000}
    assert large == {}


@pytest.mark.parametrize(
    ("pattern", "line"), [(PLACES, "see /" + "home/me/x"), (REGISTRIES, "https://pypi" + ".org/simple")]
)
def test_what_must_not_be_there_would_be_seen(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)
