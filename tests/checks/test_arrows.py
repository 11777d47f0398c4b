"""Who may import whom. An arrow the wrong way round is a design lost one convenience at a time."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "dramagen"

VOCABULARY = frozenset({
    "shot", "medium", "clip", "money", "errors", "config", "settings", "events", "identity", "mentions", "record",
    "redact", "sealed",
})  # fmt: skip

# Each part of the house and the parts it may know, besides itself.
MAY_KNOW: dict[str, frozenset[str]] = {"vocabulary": frozenset()}
MAY_KNOW |= {
    "media": frozenset({"vocabulary"}),
    "store": frozenset({"vocabulary"}),
    "telemetry": frozenset({"vocabulary"}),
    "catalog": frozenset({"vocabulary"}),
    "adapters": frozenset({"vocabulary", "catalog"}),
    "routing": frozenset({"vocabulary", "catalog"}),
    "engine": frozenset({"vocabulary", "catalog", "adapters", "media", "store"}),
    "emulator": frozenset(),
}
MAY_KNOW["studio"] = frozenset(MAY_KNOW) - {"emulator"}
MAY_KNOW["oneshot"] = frozenset({"vocabulary", "studio"})
MAY_KNOW["webhooks"] = frozenset({"vocabulary", "catalog", "adapters", "engine", "studio"})
MAY_KNOW["episode"] = MAY_KNOW["studio"] | {"studio"}
MAY_KNOW["temporal"] = frozenset({"vocabulary", "studio", "episode"})
MAY_KNOW["testing"] = MAY_KNOW["studio"] | {"studio", "emulator"}
MAY_KNOW["bench"] = MAY_KNOW["episode"] | {"episode"}
MAY_KNOW["cli"] = MAY_KNOW["bench"] | {"bench", "oneshot", "emulator", "temporal"}

EXCEPTIONS: dict[tuple[str, str], str] = {
    (
        "clip.py",
        "dramagen.media.frames",
    ): "Clip.last_frame() makes its frame when it is asked for, not before",
}

HTTPX: dict[str, str] = {
    "engine/http.py": "the one place that talks to the network",
    "engine/collect.py": "a download's Request, Response and the errors of reading it; no client",
    "engine/intake.py": "a fetched picture's Request and errors; no client",
    "adapters/": "Request and Response, the words an adapter speaks; no client",
    "bench/judge_client.py": "Request and Response, the words a judge's endpoint speaks; no client",
    "studio/boards.py": "the Request a public board is asked with; no client",
    "testing/": "a transport for users' own tests; no client",
    "emulator/callbacks.py": "a vendor calls back over real HTTP",
}
CLIENTS = frozenset({
    "AsyncClient", "AsyncHTTPTransport", "Client", "HTTPTransport", "delete", "get", "head", "patch", "post",
    "put", "request", "stream",
})  # fmt: skip
"""What sends. Only these files may use it: a paid request leaves the house by one door."""
SENDERS = frozenset({"engine/http.py", "emulator/callbacks.py"})


def part(module: str) -> str:
    """The part of the house a module belongs to: ``dramagen.engine.http`` to ``engine``."""
    names = module.split(".")
    name = names[1] if len(names) > 1 else "dramagen"
    return "vocabulary" if name in VOCABULARY else name


def module_of(file: Path, source: Path) -> str:
    names = file.relative_to(source).with_suffix("").parts
    return ".".join(("dramagen", *(n for n in names if n != "__init__")))


def imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[str, int]]:
    """Every module imported anywhere in the file, lazily or for type checkers too, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                parents = parents[: len(parents) - node.level + is_package]
                base = ".".join((*parents, base)) if base else ".".join(parents)
            if base == "dramagen":
                for name in node.names:
                    yield f"dramagen.{name.name}", node.lineno
            else:
                yield base, node.lineno


def senders(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every use of something of httpx that sends, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "httpx":
            if node.attr in CLIENTS:
                yield node.attr, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "httpx":
            yield from ((name.name, node.lineno) for name in node.names if name.name in CLIENTS)


def wrong_arrows(source: Path) -> list[str]:
    """Every import the map does not allow, as ``file:line: what``."""
    wrong = []
    for file in sorted(source.rglob("*.py")):
        where = file.relative_to(source).as_posix()
        if where == "__init__.py":
            continue  # the public names, from everywhere, loaded lazily
        module = module_of(file, source)
        mine = part(module)
        tree = ast.parse(file.read_text("utf-8"))
        if where not in SENDERS:
            wrong += [
                f"{where}:{line}: httpx.{name} sends; only the engine does" for name, line in senders(tree)
            ]
        for imported, line in imports(tree, module, file.name == "__init__.py"):
            if imported.split(".")[0] in ("httpx", "httpx2"):
                if not any(
                    where == place or (place.endswith("/") and where.startswith(place)) for place in HTTPX
                ):
                    wrong.append(f"{where}:{line}: httpx is imported in {', '.join(HTTPX)} only")
                continue
            if imported.split(".")[0] != "dramagen" or (where, imported) in EXCEPTIONS:
                continue
            theirs = part(imported)
            if mine not in MAY_KNOW:
                wrong.append(f"{where}:{line}: {mine} has no place on the map")
            elif theirs not in MAY_KNOW[mine] | {mine}:
                wrong.append(f"{where}:{line}: {mine} may not know {theirs} ({imported})")
    return wrong


def test_every_arrow_points_the_right_way() -> None:
    assert wrong_arrows(SOURCE) == []


def test_every_exception_is_still_needed() -> None:
    for (where, imported), reason in EXCEPTIONS.items():
        file = SOURCE / where
        module = module_of(file, SOURCE)
        found = {name for name, _ in imports(ast.parse(file.read_text("utf-8")), module, False)}
        assert imported in found, f"{where} no longer imports {imported}: take the exception out"
        assert reason


def test_the_map_has_no_circle() -> None:
    settled: set[str] = set()
    while settled != set(MAY_KNOW):
        ready = {p for p, known in MAY_KNOW.items() if known <= settled} - settled
        assert ready, f"a circle among {set(MAY_KNOW) - settled}"
        settled |= ready


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("shot.py", "from dramagen.catalog import fit"),
        ("media/probe.py", "def later():\n    from dramagen.store import clips"),
        ("emulator/world.py", "import dramagen.errors"),
        ("emulator/world.py", "from dramagen import Money"),
        ("catalog/fit.py", "from ..engine import journal"),
        ("catalog/__init__.py", "from ..adapters import base"),
        ("store/clips.py", "import httpx"),
        ("engine/watch.py", "from httpx import Response"),
        ("engine/collect.py", "import httpx\nhttpx.get('http://h')"),
        ("adapters/wan.py", "from httpx import AsyncClient"),
        ("attic.py", "from dramagen.shot import Shot"),
    ],
)
def test_a_wrong_arrow_is_seen(tmp_path: Path, where: str, line: str) -> None:
    file = tmp_path / where
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(line, "utf-8")
    assert len(wrong_arrows(tmp_path)) == 1


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("engine/submit.py", "from dramagen.adapters.base import Adapter"),
        ("engine/http.py", "import httpx"),
        ("catalog/fit.py", "from .route import Route"),
        ("cli/emulate.py", "from dramagen.emulator import app"),
    ],
)
def test_a_right_arrow_is_let_through(tmp_path: Path, where: str, line: str) -> None:
    file = tmp_path / where
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(line, "utf-8")
    assert wrong_arrows(tmp_path) == []
