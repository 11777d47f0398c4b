"""The documents are true: every command and program in them runs as printed, or says why it is not run.

A shell or Python block runs offline, without keys, in a temporary copy of the project's documents and cards;
the blocks of one document run in order, in one folder. A block that cannot run stands under
``<!-- not run: reason -->``. A translation shows the very programs of its original, which are run once.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRANSLATIONS = sorted([*ROOT.glob("README.*.md"), *(ROOT / "docs").rglob("*.zh.md")])
DOCUMENTS = sorted([*ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
RUN = {"sh": ["bash", "-euo", "pipefail"], "python": [sys.executable]}
SHOWN = {"text", "toml", "json", "console", "make", ""}
"""Languages that are only shown. Anything else is a spelling mistake, which would go unrun."""

ALWAYS = {"README.md"}
"""Run in every run; of the others a normal one takes four, `make check` and `make test-all` all."""

KEYS = re.compile(r"_API_KEY$|_ACCESS_KEY$|_SECRET_KEY$|_API_TOKEN$|^FAL_KEY|^DRAMAGEN_")
SECONDS = 120


@dataclass(frozen=True)
class Block:
    line: int
    language: str
    code: str
    excuse: str | None


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a document, with the excuse standing directly above each, if any."""
    found: list[Block] = []
    lines = text.splitlines()
    start: int | None = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if start is None:
            start = number
            continue
        above = re.fullmatch(r"<!-- not run: (\S.*) -->", lines[start - 1]) if start else None
        code = "\n".join(lines[start + 1 : number]) + "\n"
        found.append(Block(start + 1, lines[start][3:].strip(), code, above[1] if above else None))
        start = None
    assert start is None, f"the block of line {start} is never closed"
    return found


def to_run(document: Path) -> list[Block]:
    """The blocks of a document that are to run here, in order."""
    return [b for b in blocks(document.read_text("utf-8")) if b.language in RUN and not b.excuse]


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


PROGRAMS = [d for d in DOCUMENTS if d not in TRANSLATIONS and to_run(d)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_block_is_in_a_language_that_is_run_or_shown(document: Path) -> None:
    found = blocks(document.read_text("utf-8"))
    assert [f"line {b.line}: {b.language}" for b in found if b.language not in {*RUN, *SHOWN}] == []


@pytest.mark.parametrize("document", [d for d in PROGRAMS if name_of(d) in ALWAYS], ids=name_of)
def test_every_block_of_the_front_page_runs_as_printed(document: Path, tmp_path: Path) -> None:
    run_all(document, tmp_path)


@pytest.mark.matrix(few=4)
@pytest.mark.parametrize("document", [d for d in PROGRAMS if name_of(d) not in ALWAYS], ids=name_of)
def test_every_block_runs_as_printed(document: Path, tmp_path: Path) -> None:
    run_all(document, tmp_path)


def run_all(document: Path, scratch: Path) -> None:
    project = scratch / "dramagen"
    project.mkdir()
    for name in ("docs", "providers"):
        shutil.copytree(ROOT / name, project / name)
    for block in to_run(document):
        run(block, project, scratch)


@pytest.mark.parametrize("document", TRANSLATIONS, ids=name_of)
def test_a_translation_shows_the_programs_of_its_original(document: Path) -> None:
    original = document.with_name(document.name.replace(".zh.", "."))
    here, there = (programs(path.read_text("utf-8")) for path in (document, original))
    assert here == there


def programs(text: str) -> list[tuple[str, str]]:
    """What the blocks of a document do: language and code, comments left out."""
    return [(b.language, re.sub(r"(?m)(^|\s+)#.*$", "", b.code)) for b in blocks(text)]


def run(block: Block, project: Path, scratch: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not KEYS.search(name)}
    nowhere = "http://127.0.0.1:9"
    environ |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}",
        "HOME": str(scratch),
        "DRAMAGEN_HOME": str(scratch / "home"),
        "PYTHONWARNINGS": "error::RuntimeWarning",
        "PYTHONIOENCODING": "utf-8",
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1,localhost",
    }
    file = scratch / f"block-{block.line}"
    file.write_text(block.code, "utf-8")
    ran = subprocess.run(
        [*RUN[block.language], str(file)],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 0, (
        f"line {block.line}:\n{block.code}\n{ran.stdout[-2000:]}\n{ran.stderr[-4000:]}"
    )


LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_inside_the_project_leads_somewhere(document: Path) -> None:
    broken = [
        link for link in LINK.findall(document.read_text("utf-8")) if not (document.parent / link).exists()
    ]
    assert broken == []


def test_a_broken_block_would_be_seen(tmp_path: Path) -> None:
    text = "```sh\nfalse | true\n```\n<!-- not run: needs a key -->\n```python\nraise SystemExit(1)\n```\n"
    first, second = blocks(text)
    assert (first.excuse, second.excuse) == (None, "needs a key")
    with pytest.raises(AssertionError, match="false"):
        run(first, tmp_path, tmp_path)
    with pytest.raises(AssertionError, match="SystemExit"):
        run(second, tmp_path, tmp_path)


def test_an_excuse_needs_a_reason() -> None:
    [block] = blocks("<!-- not run:  -->\n```sh\ntrue\n```\n")
    assert block.excuse is None
