"""Shared by every test: both async backends, and how the long matrices are sampled."""

import gc
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from dramagen.catalog.load import Catalog, packaged
from dramagen.testing.covers import CONTRACT, table

if TYPE_CHECKING:
    from dramagen.emulator.server import Handle

FEW = 1
"""Cases (a backend is one too) of each `matrix` test that a normal run takes; `matrix(few=0)` takes none of them.

`matrix(of="anyio_backend")` draws that parameter alone: every case of the others is run, on one of the two. It is for
what would wait alike on both, where the waiting itself is tested elsewhere.
"""

SAMPLE = "1"
"""Draws the samples of a normal run, unless DRAMAGEN_SEED says otherwise."""

TABLE = "table: "

SERVER = pytest.StashKey[str]()
"""A Postgres server of the developer's own, from DRAMAGEN_TEST_DATABASE."""

SEED = pytest.StashKey[str | None]()
"""What this run's samples are drawn by; None takes everything."""


def pytest_configure(config: pytest.Config) -> None:
    """One seed for the whole run: processes started from here draw the same sample.

    What lands must not depend on luck, so a normal run tries the same examples and the same samples every time. What
    searches is the long run: with DRAMAGEN_MATRIX=all both are drawn anew.
    """
    complete = os.environ.get("DRAMAGEN_MATRIX") == "all"
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A run in the background of a script ignores Ctrl-C, and so would every program a test starts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _examples(complete)
    _one_catalogue(config)
    os.environ.setdefault("DRAMAGEN_SEED", str(random.randrange(10**6)) if complete else SAMPLE)
    # Kept here too: tests clean the environment.
    config.stash[SERVER] = os.environ.get("DRAMAGEN_TEST_DATABASE", "")
    config.stash[SEED] = None if complete else os.environ["DRAMAGEN_SEED"]


def _examples(complete: bool) -> None:
    """How hypothesis draws. ``--hypothesis-profile=search`` searches in a normal run too."""
    # The time an example takes, and the time to draw it, say how busy the machine is and nothing of the property.
    hurry: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    settings.register_profile("same", derandomize=True, **hurry)
    settings.register_profile("search", max_examples=400, derandomize=False, print_blob=True, **hurry)
    settings.load_profile("search" if complete else "same")
    if not complete:
        # Constants out of the code that is loaded are drawn too, and what is loaded differs with the tests that ran
        # before in the same process. There is no setting for it; nothing has been read yet, and nothing will be.
        providers._get_local_constants = lambda: providers._local_constants


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What draws this run's sample and its chaos again; of a complete run, the tables its tests filled."""
    seed = config.stash[SEED]
    _contract(terminalreporter)
    if seed is None:
        _tables(terminalreporter)
    drawn = f"DRAMAGEN_SEED={seed or os.environ['DRAMAGEN_SEED']}"
    terminalreporter.write_line(f"matrices: {'complete' if seed is None else 'a sample'}, {drawn}")


def _tables(terminalreporter: Any) -> None:
    tables: dict[str, list[dict[str, str]]] = {}
    for _, name, cells in _properties(terminalreporter):
        if name.startswith(TABLE):
            tables.setdefault(name.removeprefix(TABLE), []).append(cells)
    for title, rows in sorted(tables.items()):
        heads = list(dict.fromkeys(head for cells in rows for head in cells))
        _write(terminalreporter, title, [heads, *([cells.get(head, "") for head in heads] for cells in rows)])


def _contract(terminalreporter: Any) -> None:
    """What the contract suite tried in this run, and how much of it passed."""
    told = [(passed, cell) for passed, name, cell in _properties(terminalreporter) if name == CONTRACT]
    if told:
        _write(terminalreporter, "the contract suite: cases passed", table(told))


def _properties(terminalreporter: Any) -> Iterator[tuple[bool, str, Any]]:
    """Whether a test passed, and each property of its report: these come from every process of the run."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for name, value in getattr(report, "user_properties", ()):
                    yield report.passed, name, value


def _write(terminalreporter: Any, title: str, lines: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    terminalreporter.write_line(f"\n{title}")
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        terminalreporter.write_line("  " + "  ".join(cells).rstrip())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of each matrix a few cases, unless DRAMAGEN_MATRIX=all asks for every one."""
    seed = config.stash[SEED]
    if seed is None:
        return
    matrices: dict[str, list[pytest.Item]] = {}
    for item in items:
        if marker := item.get_closest_marker("matrix"):
            matrices.setdefault(_drawn_from(item, marker.kwargs.get("of")), []).append(item)
    left_out = set()
    for name, cases in sorted(matrices.items()):
        marker = cases[0].get_closest_marker("matrix")
        few = FEW if marker is None else marker.kwargs.get("few", FEW)
        drawn = random.Random(f"{seed}/{name}").sample(cases, min(few, len(cases)))
        left_out |= set(cases) - set(drawn)
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end, and need not be looked at by all who order garbage to be collected."""
    gc.collect()
    gc.freeze()


def _drawn_from(item: pytest.Item, of: str | None) -> str:
    """The name that an item shares with the cases it is drawn from: its test's, or those that differ in ``of``."""
    name, _, case = item.nodeid.partition("[")
    called = getattr(item, "callspec", None)
    if of is None or called is None:
        return name
    return f"{name}[{case.replace(str(called.params.get(of)), '', 1)}"


def _one_catalogue(config: pytest.Config) -> None:
    """The packaged cards are read once a process: a third of a second, and nothing changes a catalogue. A test with
    cards or overrides of its own reads them itself."""
    read, known = Catalog.load, dict[str, Catalog]()

    def load(roots: Sequence[Path] | None = None, overrides: Mapping[str, Any] | None = None) -> Catalog:
        if roots or overrides:
            return read(roots, overrides)
        place = str(packaged())
        if place not in known:
            known[place] = read()
        return known[place]

    patch = pytest.MonkeyPatch()
    patch.setattr(Catalog, "load", load)
    config.add_cleanup(patch.undo)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Every async test runs on both backends."""
    return str(request.param)


@pytest.fixture
def sample(request: pytest.FixtureRequest) -> Callable[[Iterable[Any], int], list[Any]]:
    """A few of a matrix inside one test, drawn by the run's seed; DRAMAGEN_MATRIX=all takes all."""

    def draw(cases: Iterable[Any], count: int) -> list[Any]:
        listed = list(cases)
        seed = request.config.stash[SEED]
        if seed is None:
            return listed
        return random.Random(seed).sample(listed, min(count, len(listed)))

    return draw


@pytest.fixture
def row(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Adds a row to a table that is printed after a complete run: ``row("title", vendor="wan", bill="1 CNY")``."""

    def add(title: str, **cells: object) -> None:
        record_property(TABLE + title, {name: str(cell) for name, cell in cells.items()})

    return add


# --- a Postgres server ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server whose password has every letter that must be encoded. Skips where there is none."""
    given = request.config.stash[SERVER]
    if given:
        yield given
        return
    places = (Path("/"), Path(sys.prefix) / "postgres")  # the second is where `make postgres` unpacks it
    known = [str(path) for place in places for path in place.glob("usr/lib/postgresql/*/bin/initdb")]
    found = shutil.which("initdb") or next(iter(known), None)
    if not found:
        pytest.skip(
            "no Postgres server: 'apt-get install postgresql-15', or DRAMAGEN_TEST_DATABASE=postgresql://..."
        )
    with _running(Path(found).parent) as url:
        yield url


@contextmanager
def _running(programs: Path) -> Iterator[str]:
    """A server on a socket in a folder of its own; nothing it writes outlives it, so it need not be flushed."""
    password = "Regen@Nacht/7"
    folder = Path(tempfile.mkdtemp(prefix="dramagen-pg-"))
    known: dict[str, Any] = {
        "cwd": folder,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.PIPE,
        "text": True,
    }
    if os.geteuid() == 0:  # Postgres refuses to run as root
        import pwd

        user = next(entry for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody"))
        os.chown(folder, user.pw_uid, user.pw_gid)
        known |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    try:
        try:
            subprocess.run([programs / "initdb", "--version"], check=True, **known)
        except PermissionError:
            pytest.skip(f"no Postgres server: it does not run as root, and nobody else may enter {programs}")
        (folder / "word").write_text(password)
        (folder / "word").chmod(0o644)
        subprocess.run(
            [
                programs / "initdb", "-D", folder / "data", "-U", "dramagen", "--pwfile", folder / "word",
                "--auth", "scram-sha-256", "-E", "UTF8", "--locale", "C", "--no-sync",
            ],
            check=True, **known,
        )  # fmt: skip
        command: list[str | Path] = [
            programs / "postgres",
            "-D",
            folder / "data",
            "-k",
            folder,
            "-c",
            "listen_addresses=",
            "-F",
        ]
        with subprocess.Popen(command, **known) as server:
            assert server.stderr is not None
            while "ready to accept" not in (said := server.stderr.readline()):
                assert said, "the server ended before it was ready"
            drain = threading.Thread(target=server.stderr.read, daemon=True)
            drain.start()
            yield f"postgresql://dramagen:{quote(password, safe='')}@/postgres?host={folder}"
            server.send_signal(signal.SIGINT)
            server.wait()
            drain.join()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def _postgres_database(postgres_server: str) -> Iterator[str]:
    psycopg = pytest.importorskip("psycopg")
    name = f"dramagen_test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        head, _, options = postgres_server.partition("?")
        yield f"{head.rpartition('/')[0]}/{name}{'?' if options else ''}{options}"
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres(_postgres_database: str) -> str:
    """The address of an empty database, the test's alone."""
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(_postgres_database, autocommit=True) as database:
        database.execute("DROP SCHEMA IF EXISTS dramagen CASCADE")
    return _postgres_database


# --- vendors -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def kept() -> dict[str, dict[str, Any]]:
    """An emulator's settings under which no file is gone before a busy machine has fetched it: the hour for which
    some vendors keep one is six seconds where a second is ten minutes."""
    return {
        "hailuo": {"link_seconds": 10**6},
        "replicate": {"data_life": 10**6},
        "sora": {"content_life": 10**6},
    }


# --- the command line --------------------------------------------------------------------------------------------


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell of somebody without a key or any other setting, and with a home of their own."""
    for name in list(os.environ):
        if name.startswith("DRAMAGEN_") or name.endswith(("_KEY", "_TOKEN")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DRAMAGEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def run() -> Callable[..., Done]:
    """Runs a command as a shell without a terminal would."""
    from typer.testing import CliRunner  # most tests have no command line

    from dramagen.cli.app import app

    def run(*arguments: str, typed: str | None = None) -> Done:
        result = CliRunner().invoke(app, list(arguments), input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def emulator(
    monkeypatch: pytest.MonkeyPatch, place: Path, kept: dict[str, dict[str, Any]]
) -> Iterator["Handle"]:
    """Every provider is an emulator, 500 times as fast as the world, for what runs in ``place``."""
    from dramagen.emulator.server import running

    (place / "dramagen.toml").write_text("time_scale = 500\n")
    with running(speed=500, settings=kept) as handle:
        monkeypatch.setenv("DRAMAGEN_EMULATOR", handle.url)
        yield handle
