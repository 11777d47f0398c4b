"""The same cards are found from a checkout, an editable install, a wheel, and a wheel made from an sdist."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
LIST = """
import json
from dramagen.catalog.load import Catalog, packaged
catalog = Catalog.load()
cards = [f"{p}/{m}" for p in catalog.providers() for m in catalog.models(p)]
print(json.dumps({"root": str(packaged()), "cards": cards, "routes": len(catalog.routes())}))
"""

pytestmark = pytest.mark.skipif(
    not (CHECKOUT / "pyproject.toml").is_file(), reason="the tests run outside a checkout: nothing to build"
)


def found_from(place: Path, where: Path, python: str = sys.executable) -> dict[str, object]:
    """What a fresh interpreter finds, with ``place`` before anything installed, in the folder ``where``."""
    environ = os.environ | {"PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, "-c", LIST], cwd=where, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def build(what: str, source: Path, out: Path) -> Path:
    """A wheel or an sdist, with the build backend that is installed, else in an environment of its own."""
    own = ["--no-isolation"] if find_spec("hatchling") else []
    done = subprocess.run(
        [sys.executable, "-m", "build", *own, f"--{what}", "--outdir", str(out), str(source)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = out.glob("*.whl" if what == "wheel" else "*.tar.gz")
    return made


def unpacked(wheel: Path, to: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(to)
    return to


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return found_from(CHECKOUT / "src", tmp_path_factory.mktemp("elsewhere"))


def same_cards(found: dict[str, object], checkout: dict[str, object], inside: Path) -> None:
    assert (found["cards"], found["routes"]) == (checkout["cards"], checkout["routes"])
    assert Path(str(found["root"])).is_relative_to(inside), found["root"]


def test_a_checkout_reads_its_own_top_level_folder(checkout: dict[str, object]) -> None:
    assert checkout["root"] == str(CHECKOUT / "providers")
    on_disk = sorted(
        f"{path.parts[-3]}/{path.stem}" for path in (CHECKOUT / "providers").glob("*/models/*.toml")
    )
    assert checkout["cards"] == on_disk


def test_wheel_and_sdist_carry_the_cards(checkout: dict[str, object], tmp_path: Path) -> None:
    straight = unpacked(build("wheel", CHECKOUT, tmp_path / "wheel"), tmp_path / "straight")
    same_cards(found_from(straight, tmp_path), checkout, straight)
    with tarfile.open(build("sdist", CHECKOUT, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    again = unpacked(build("wheel", source, tmp_path / "second"), tmp_path / "again")
    same_cards(found_from(again, tmp_path), checkout, again)


@pytest.mark.matrix(few=0)  # `make` installs it like that: every other test reads the checkout so
def test_an_editable_install_reads_the_checkout(checkout: dict[str, object], tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home)
    python = str(home / ("Scripts" if os.name == "nt" else "bin") / "python")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "-e", str(CHECKOUT)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # Dependencies come from the tests' own environment: as a plain path, so that its own install is not seen.
    found = found_from(Path(sysconfig.get_paths()["purelib"]), tmp_path, python)
    same_cards(found, checkout, CHECKOUT / "providers")
    (site,) = home.rglob("site-packages")
    assert not (site / "dramagen").exists(), "a frozen copy of the cards lies in site-packages"
