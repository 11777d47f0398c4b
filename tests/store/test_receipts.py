"""Receipts: enough to know what was paid, and nothing that must stay secret."""

import json
import logging
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dramagen.clip import Adjustment, Facts
from dramagen.money import Money
from dramagen.store import DiskFull, Receipt, Receipts, durable

SHA256 = "ab" * 32
MEDIA = Facts(duration=5.0, width=720, height=1280, fps=24.0, has_audio=True, codec="h264", frames=120)


def receipt(**changes: Any) -> Receipt:
    fields: dict[str, Any] = {
        "key": "job:j1", "sha256": SHA256, "order": "o1:cd", "shot": "s1:ef", "route": "kling:cn/kling-3.0",
        "job_id": "j1", "ticket": "t-1", "cost": Money("1.234567 CNY"), "cost_source": "reported",
        "media": MEDIA, "created": 1_795_000_000.5, "seed": 7,
    }  # fmt: skip
    return Receipt(**(fields | changes))


def test_a_receipt_lies_beside_its_clip_and_reads_back_exactly(tmp_path: Path) -> None:
    receipts = Receipts(tmp_path)
    place = receipts.write(receipt())
    assert place.parent == tmp_path / "ab"
    assert place.name.startswith(SHA256)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    (read,) = receipts.read_all()
    assert read == receipt()
    assert read.cost.amount == Decimal("1.234567")


def test_money_is_a_decimal_string_in_the_file(tmp_path: Path) -> None:
    document = json.loads(Receipts(tmp_path).write(receipt()).read_bytes())
    assert document["cost"] == {"amount": "1.234567", "currency": "CNY"}


def test_writing_again_replaces_and_leaves_no_draft(tmp_path: Path) -> None:
    receipts = Receipts(tmp_path)
    receipts.write(receipt(cost=Money("1 CNY")))
    receipts.write(receipt(cost=Money("2 CNY")))
    assert [r.cost for r in receipts.read_all()] == [Money("2 CNY")]
    assert [place.suffix for place in (tmp_path / "ab").iterdir()] == [".json"]


def test_two_jobs_that_delivered_the_same_bytes_have_a_receipt_each(tmp_path: Path) -> None:
    receipts = Receipts(tmp_path)
    receipts.write(receipt(key="job:j2", created=2.0))
    receipts.write(receipt(key="job:j1", created=1.0))
    assert [r.key for r in receipts.read_all()] == ["job:j1", "job:j2"]


def test_no_key_and_no_signed_link_reaches_the_disk(tmp_path: Path) -> None:
    words = "see https://cdn.example.invalid/v.mp4?X-Sign=0123456789abcdef, Bearer sk-0123456789abcdefgh"
    receipts = Receipts(tmp_path)
    place = receipts.write(
        receipt(
            key=f"job {words}",
            ticket=words,
            warnings=(words,),
            adjustments=(Adjustment(field="prompt", asked=words, given="", why=words),),
        )
    )
    text = place.read_text()
    assert "0123456789abcdef" not in text
    assert "https://cdn.example.invalid/v.mp4" in text, "what is not secret stays"
    assert "0123456789abcdef" not in place.name


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"key": "x"}', b"\xff\xfe"])
def test_a_receipt_that_cannot_be_read_is_told_and_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    receipts = Receipts(tmp_path)
    receipts.write(receipt())
    damaged = tmp_path / "ab" / f"{SHA256}-000000000000.json"
    damaged.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert [r.key for r in receipts.read_all()] == ["job:j1"]
    assert damaged.name in caplog.text
    assert damaged.read_bytes() == content


def test_a_full_disk_keeps_the_older_receipt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    receipts = Receipts(tmp_path)
    receipts.write(receipt())
    monkeypatch.setattr(durable, "sync_file", full)
    with pytest.raises(DiskFull):
        receipts.write(receipt(cost=Money("2 CNY")))
    assert [r.cost for r in receipts.read_all()] == [receipt().cost]
    assert len(list((tmp_path / "ab").iterdir())) == 1
