"""The other libraries, each in a virtual environment of its own, and never in this one."""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PLACE = Path(tempfile.gettempdir()) / "dramagen-benchmark-peers"
BOUND = 600
"""Seconds one installation may take."""


@dataclass(frozen=True)
class Peer:
    """A library: what is installed, what a program imports to make a clip, and the vendor it is held against."""

    name: str
    packages: tuple[str, ...]
    module: str
    vendor: str
    python: str = f"python{sys.version_info[0]}.{sys.version_info[1]}"

    @property
    def interpreter(self) -> Path:
        """Of its environment."""
        return PLACE / self.name / "bin" / "python"

    @property
    def version(self) -> str:
        """As it is pinned."""
        return ", ".join(package.replace("==", " ") for package in self.packages)

    def install(self) -> str | None:
        """Make its environment, unless there is one; why it cannot be, or None."""
        done = PLACE / self.name / "installed"
        if done.is_file() and done.read_text() == self.version:
            return None
        # A pyenv shim is found on the path even where it leads nowhere: the real ones come first.
        real = Path.home().glob(f".pyenv/versions/{self.python.removeprefix('python')}.*/bin/{self.python}")
        made = next(map(str, real), None) or shutil.which(self.python)
        if made is None:
            return f"needs {self.python}, which is not here"
        PLACE.mkdir(mode=0o700, exist_ok=True)
        pip = (str(self.interpreter), "-m", "pip", "--disable-pip-version-check", "-q", "install")
        try:
            subprocess.run([made, "-m", "venv", "--clear", str(PLACE / self.name)], check=True, timeout=BOUND)
            subprocess.run([*pip, *self.packages], check=True, timeout=BOUND, capture_output=True)
        except (subprocess.SubprocessError, OSError):
            return "could not be installed here"
        done.write_text(self.version)
        return None


PEERS = (
    Peer("openai", ("openai==3.54.0",), "openai", "sora"),
    Peer(
        "volcengine-ark-runtime", ("volcengine-ark-runtime==5.0.54",), "volcenginesdkarkruntime", "seedance"
    ),
    Peer("dashscope", ("dashscope==2.0.2",), "dashscope", "wan"),
    Peer("fal-client", ("fal-client==1.0.3",), "fal_client", "fal"),
    Peer("replicate", ("replicate==1.0.7",), "replicate", "replicate"),
    Peer("litellm", ("litellm==1.106.2",), "litellm", "sora"),
    Peer("genblaze-core", ("genblaze-core==0.3.8", "genblaze-openai==0.3.4"), "genblaze_openai", "sora"),
    Peer("celeste-ai", ("celeste-ai==1.0.0",), "celeste", "seedance@intl", "python3.12"),
)
