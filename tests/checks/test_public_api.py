"""The public names: they are all there, they are what type checkers see, and importing them costs nothing."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import dramagen

PROMISED = {
    "Studio", "Shot", "Clip", "Image", "Reference", "Camera", "Cut", "Line", "Budget", "Episode", "Money",
    "Config", "errors", "shoot", "shoot_sync", "__version__",
}  # fmt: skip
HEAVY = {
    "anyio", "asyncio", "av", "diskcache", "httpx", "PIL", "pydantic", "rich", "sqlite3", "starlette", "trio",
    "typer", "uvicorn",
}  # fmt: skip


def test_all_is_what_was_promised() -> None:
    assert set(dramagen.__all__) == PROMISED
    assert sorted(dramagen.__all__) == dramagen.__all__
    assert set(dir(dramagen)) >= PROMISED


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_every_name_can_be_had(name: str) -> None:
    assert getattr(dramagen, name)


def test_a_wrong_name_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Studioo"):
        dramagen.Studioo  # type: ignore[attr-defined]  # noqa: B018 - the access is the test


def test_type_checkers_see_the_names_where_they_live() -> None:
    tree = ast.parse(Path(dramagen.__file__).read_text("utf-8"))
    guard = next(node for node in tree.body if isinstance(node, ast.If))
    seen: dict[str, str] = {}
    for node in guard.body:
        if isinstance(node, ast.ImportFrom):
            seen |= {alias.name: node.module or "" for alias in node.names}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            seen[node.target.id] = "dramagen"
    assert set(seen) == PROMISED
    homes = {name: module for name, module in seen.items() if module != "dramagen"}
    assert homes == dramagen._HOMES


def loaded_by(program: str) -> set[str]:
    """The top-level modules a fresh interpreter has loaded after running ``program``."""
    ran = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport json, sys; print(json.dumps(list(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.split(".")[0] for name in json.loads(ran.stdout.splitlines()[-1])}


def test_importing_dramagen_loads_nothing_heavy() -> None:
    # An editable install may load modules of its own at start, so a bare interpreter is the measure.
    assert (loaded_by("import dramagen") - loaded_by("pass")) & HEAVY == set()


def test_the_vocabulary_loads_no_client_and_no_codec() -> None:
    loaded = loaded_by("from dramagen import Shot, Clip, Money, errors") - loaded_by("pass")
    assert loaded & (HEAVY - {"pydantic"}) <= {"asyncio"}  # pydantic itself may reach for asyncio


def test_speaking_of_a_studio_loads_no_client_and_no_codec() -> None:
    loaded = loaded_by("from dramagen import Studio, Shot") - loaded_by("pass")
    assert loaded & (HEAVY - {"pydantic"}) <= {"asyncio"}


def test_importing_dramagen_takes_under_a_tenth_of_a_second() -> None:
    assert min(seconds_to_import() for _ in range(3)) < 0.1


def seconds_to_import() -> float:
    """What ``python -X importtime`` says of ``import dramagen`` in a fresh interpreter."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import dramagen"],
        capture_output=True,
        text=True,
        check=True,
    )
    last = ran.stderr.splitlines()[-1]
    assert last.endswith("| dramagen")
    return int(last.split("|")[1]) / 1e6
