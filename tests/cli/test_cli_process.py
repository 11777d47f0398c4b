"""The command as a process of its own: exit codes, missing extras, Ctrl-C."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dramagen.emulator.server import Handle

BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {blocked!r} else real(name, package)
sys.argv = ["dramagen", *{arguments!r}]
from dramagen.cli import main
main()
"""


def python(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )


def dramagen(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return python(
        f"import sys; sys.argv = ['dramagen', *{arguments!r}]; from dramagen.cli import main; main()"
    )


@pytest.mark.matrix(few=2)
@pytest.mark.parametrize("blocked", [("typer",), ("rich",)])
@pytest.mark.parametrize("arguments", [("--help",), ("film", "rain/episode.toml")])
def test_without_its_extra_a_command_says_the_pip_line(
    blocked: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    done = python(BLOCKED.format(blocked=blocked, arguments=arguments))
    assert done.returncode == 2
    assert done.stderr == "the dramagen command needs the 'cli' extra: pip install 'dramagen[cli]'\n"
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("blocked", "arguments", "line"),
    [
        (("uvicorn",), ("emulate",), "pip install 'dramagen[emulator]'"),
        (("av",), ("film", "rain/episode.toml"), "pip install 'dramagen[media]'"),
    ],
)
def test_without_another_extra_the_command_that_needs_it_says_so(
    blocked: tuple[str, ...], arguments: tuple[str, ...], line: str
) -> None:
    done = python(BLOCKED.format(blocked=blocked, arguments=arguments))
    assert done.returncode == 2, done.stderr
    assert line in done.stderr
    assert "Traceback" not in done.stderr


def test_errors_are_calm_unless_a_traceback_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    calm = dramagen("film", "none.toml")
    assert (calm.returncode, calm.stderr) == (2, "none.toml: No such file or directory\n")
    monkeypatch.setenv("DRAMAGEN_DEBUG", "1")
    assert "Traceback" in dramagen("film", "none.toml").stderr


def test_an_end_in_the_middle_detaches_and_the_next_run_pays_nothing_twice(
    place: Path, emulator: Handle
) -> None:
    (place / "dramagen.toml").unlink()  # so that this run waits long between its looks
    command = "import sys; sys.argv = ['dramagen', 'film', 'rain/episode.toml', '--pin', 'kling-2.5-turbo']\n"
    command += "from dramagen.cli import main; main()"
    with subprocess.Popen([sys.executable, "-c", command], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "submitted" in line:
                break
        os.kill(process.pid, signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(60) == 130, rest
    assert "Jobs that were sent go on at the provider" in rest
    assert "Traceback" not in rest
    (place / "dramagen.toml").write_text("time_scale = 500\n")
    done = dramagen("film", "rain/episode.toml", "--pin", "kling-2.5-turbo")
    assert done.returncode == 0, done.stderr
    assert len(emulator.bill()) == 3
