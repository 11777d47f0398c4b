"""Every benchmark in turn: JSON into ``benchmarks/results/``, tables into ``docs/benchmarks.md``.

python benchmarks/run.py [NAME ...]

Without names all of them: over an hour, most of it spent waiting for jobs. The first time the other libraries are
installed into environments of their own in the folder for temporary files. A table stands between two marks of the
page, and under it how many seconds it took; what was not run this time stays as it was, with the day and the machine
it was measured on.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from report import Row, table

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "benchmarks.md"

ALL = {
    "lost": "lost.py",
    "footprint": "footprint.py",
    "local": "local.py",
    "collecting": "collecting.py",
    "watching": "watching.py --jobs 1 100 300 1000",
    "watching-peers": "watching_peers.py",
    "watching-one-by-one": "watching.py --jobs 300 --pin vidu/viduq3-turbo --who dramagen --collect 0",
    "watching-10000": "watching.py --jobs 10000 --load together --who dramagen --warm-up 0 --collect 0",
}
"""What runs for each table of the page."""


def measured(name: str) -> Row | None:
    """One benchmark in a process of its own; None where it failed."""
    script, *arguments = ALL[name].split()
    print(f"{name} ...", file=sys.stderr)
    begun = time.monotonic()
    ended = subprocess.run(
        [sys.executable, str(HERE / script), *arguments, "--json"], stdout=subprocess.PIPE, text=True
    )
    if ended.returncode:
        return None
    document = dict(json.loads(ended.stdout)) | {"took_s": round(time.monotonic() - begun)}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(
        json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8"
    )
    return document


def written(page: str, name: str, document: Row) -> str:
    """The page with this table in its place. Raises ``ValueError`` where it has no such place."""
    about = "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in document.items() if key != "rows")
    text = f"<!-- {name} -->\n\n{table(document['rows'])}\n\n{about}.\n\n<!-- end of {name} -->"
    changed, count = re.subn(
        rf"<!-- {name} -->.*?<!-- end of {name} -->", lambda _: text, page, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"{PAGE.name} has no place for {name}")
    return changed


def main() -> int:
    """Run what is asked for; 1 where something failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[[], *ALL], metavar="NAME")
    failed = []
    for name in parser.parse_args().names or ALL:
        document = measured(name)
        if document is None:
            failed.append(name)
            continue
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), name, document), encoding="utf-8")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    raise SystemExit(main())
