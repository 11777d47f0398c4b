"""The commands of docs/ledger.md, run in order."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

from dramagen import Studio
from dramagen.emulator.server import Handle

PAGE = Path(__file__).parents[2] / "docs" / "ledger.md"
PIN = ("--pin", "seedance/seedance-1.0-pro-fast", "--resolution", "480p", "--duration", "2", "--yes")


def test_every_command_of_the_page_works(run: Any, emulator: Handle, place: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    assert len(lines) >= 12
    assert run("shoot", "雨夜", *PIN).code == 0
    emulator.faults(provider="seedance", on="create", kind="drop", after_accept=True, times=2)
    emulator.faults(provider="seedance", on="find", kind="status", status=500, times=10_000)
    for prompt in ("一", "二"):
        assert run("shoot", prompt, *PIN).code == 4
    rows = emulator.bill()
    (place / "bill.json").write_text(json.dumps({"jobs": rows}), "utf-8")
    table = ["账单", "任务ID,金额", *(f"{row['id']},{row['amount']}" for row in rows)]
    (place / "export.csv").write_bytes("\r\n".join(table).encode("gbk"))
    for words in lines:
        assert words[0] == "dramagen"
        unknown = [job["id"] for job in run("jobs", "--state", "unknown", "--json").json["jobs"]]
        done = run(*[unknown[0] if word == "JOB" else word for word in words[1:]])
        expected = {1} if "--bill" in words else {4} if "resume" in words else {0}
        assert done.code in expected, (words, done.out, done.err)
    assert Studio().jobs(open_only=True) == []
