"""``dramagen trust``: vouch for a settings file, so that keys from the environment may go where it says."""

import os
from pathlib import Path
from typing import Annotated

import typer

from dramagen.cli.options import AsJson
from dramagen.cli.screen import emit, say
from dramagen.config import Config
from dramagen.errors import ConfigError
from dramagen.settings import FILE, home_of
from dramagen.settings import trust as vouch


def trust(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The settings file.")] = Path(FILE),
    as_json: AsJson = False,
) -> None:
    """Vouch for a dramagen.toml as it stands now; after any change it has to be trusted again."""
    if not file.is_file():
        raise ConfigError(f"{file}: there is no such file")
    # Not by way of all settings: they are refused for what this file says until it is vouched for.
    vouch(home_of(Config(), os.environ), file)
    if as_json:
        emit({"trusted": str(file.absolute())})
    else:
        say(f"{file.absolute()} is trusted as it stands now")
