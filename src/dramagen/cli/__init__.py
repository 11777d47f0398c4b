"""The command line. Everything it needs comes with ``pip install 'dramagen[cli]'``."""

import sys

_LIBRARIES = frozenset({"typer", "rich", "click", "shellingham"})


def main() -> None:
    """Run ``dramagen``. Without the ``cli`` extra: says the pip line, exits 2."""
    try:
        from dramagen.cli.app import app
        from dramagen.cli.screen import calm_logs
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in _LIBRARIES:
            raise
        from dramagen.errors import MissingExtra

        sys.stderr.write(f"{MissingExtra('cli', 'the dramagen command')}\n")
        raise SystemExit(2) from None
    calm_logs()
    app()
