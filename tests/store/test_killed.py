"""What was acknowledged is there after the process was killed in the middle of its work."""

import signal
import subprocess
import sys
from pathlib import Path

from dramagen.store import Store

WORK = """
import itertools, sys
from pathlib import Path
from dramagen.clip import Facts
from dramagen.money import Money
from dramagen.store import Receipt, Store

store = Store(Path(sys.argv[1]))
media = Facts(duration=5.0, width=720, height=1280, fps=24.0, has_audio=True, codec="h264", frames=120)
for number in itertools.count():
    stored = store.originals.put_bytes(b"film %d" % number * 1000, "mp4")
    store.remember(Receipt(
        key=f"job:{number}", sha256=stored.sha256, order="o1:cd", route="kling:cn/kling-3.0", job_id=str(number),
        cost=Money("3 CNY"), cost_source="reported", media=media, created=float(number),
    ))
    print(number, flush=True)
"""


def test_nothing_acknowledged_is_lost_to_a_kill(tmp_path: Path) -> None:
    worker = subprocess.Popen([sys.executable, "-c", WORK, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    with worker:
        for line in worker.stdout:
            if int(line) >= 10:
                worker.send_signal(signal.SIGKILL)
                break
        told = 10 + len(worker.stdout.readlines())
    assert worker.returncode == -signal.SIGKILL
    store = Store(tmp_path)
    for number in range(told + 1):
        receipt = store.recall(f"job:{number}")
        assert receipt is not None, number
        assert store.originals.verify(receipt.sha256)
    assert all(store.originals.verify(stored.sha256) for stored in store.originals), "no half film has a name"
    assert len(list(store.receipts.read_all())) >= told + 1
