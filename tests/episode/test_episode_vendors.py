"""The example episode through every vendor's own protocol, over real sockets, against the emulator's bill."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import av
import pytest

from dramagen import Config, Shot, Studio
from dramagen.catalog.order import Order
from dramagen.emulator import Handle, running
from dramagen.episode import Episode, EpisodeShot, Manifest, film
from dramagen.episode.outlook import look_ahead
from dramagen.episode.picks import Picks
from dramagen.episode.steering import left_of
from dramagen.money import Money

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
EXAMPLE = Episode.load(ROOT / "docs/examples/rain/episode.toml")
VENDORS = ("seedance", "wan", "kling", "hailuo", "vidu", "sora")
"""Sora's own API is closed; an address of one's own, such as the emulator's, opens it again."""
IN_TURN = "each in turn"
SPEED = 600.0
FEW = 3
"""Shots a normal run films."""

Sample = Callable[[Iterable[Any], int], list[Any]]
Row = Callable[..., None]


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: dict[str, Any]) -> Iterator[Handle]:
    for name in list(os.environ):
        if name.startswith("DRAMAGEN_") or "_API_" in name or name == "FAL_KEY" or "proxy" in name.lower():
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    with running(speed=SPEED, settings=kept) as handle:
        monkeypatch.setenv("DRAMAGEN_EMULATOR", handle.url)
        yield handle


def pinned(way: str) -> Episode:
    """The example on one vendor, or on each vendor in turn."""
    if way != IN_TURN:
        return EXAMPLE.repinned(way)
    shots = [
        EpisodeShot(each.id, each.shot.pinned(VENDORS[number % len(VENDORS)]), each.continues, each.ends_on)
        for number, each in enumerate(EXAMPLE.shots)
    ]
    return Episode(EXAMPLE.title, tuple(shots), EXAMPLE.path, EXAMPLE.budget)


def part(episode: Episode, ids: Iterable[str]) -> Episode:
    """These shots of an episode, and those they continue from."""
    wanted = set(ids)
    for shot in reversed(episode.ordered):
        if shot.id in wanted and shot.continues:
            wanted.add(shot.continues)
    return Episode(
        episode.title, tuple(s for s in episode.shots if s.id in wanted), episode.path, episode.budget
    )


# One backend: what is slow here are the pictures, and the waiting is tested on both elsewhere.
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.matrix
@pytest.mark.parametrize("way", [*VENDORS, IN_TURN])
async def test_the_example_is_filmed_and_the_bill_is_the_ledger(
    way: str, emulator: Handle, tmp_path: Path, sample: Sample, row: Row
) -> None:
    whole = pinned(way)
    episode = part(whole, sample([shot.id for shot in whole.shots], FEW))
    started = time.monotonic()
    async with Studio(Config(home=tmp_path / "home", time_scale=SPEED)) as studio:
        limit = left_of(studio, episode.budgets(None), episode.title)
        plan = (await look_ahead(studio, episode, Picks(), tmp_path / "out", limit)).plan
        assert plan.feasible, str(plan)
        assert emulator.requests() == [], "a plan asks nobody"
        manifest = await film(studio, episode, tmp_path / "out")
        ledger = studio.ledger()
        orders = {job.shot_id: job.quote.order for job in studio.jobs()}
    took = time.monotonic() - started

    assert manifest.failures == ()
    assert [each.id for each in manifest.shots] == [each.id for each in episode.shots]
    for each, planned, filmed in zip(episode.shots, plan.shots, manifest.shots, strict=True):
        assert planned.choice is not None
        assert filmed.route == planned.choice.route.id
        assert way in (filmed.route.partition(":")[0], IN_TURN)
        decoded(manifest.folder / filmed.clip, each.shot, orders[each.id])
    whole_film(manifest, episode)

    bill = emulator.bill()
    assert len([line for line in bill if Decimal(line["amount"])]) == len(bill) == len(episode.shots)
    owed = rounded((line["amount"], line["currency"]) for line in bill)
    assert rounded(plain(ledger.spent)) == owed
    assert rounded((each.cost.amount, each.cost.currency) for each in manifest.shots) == owed
    document = json.loads(manifest.file.read_bytes())
    for total in ("spent_now", "value"):
        assert rounded((m["amount"], m["currency"]) for m in document["total"][total]) == owed
    assert not ledger.reserved
    assert not ledger.unknown
    assert plan.most.amount >= sum(plan.rates.convert(money, plan.currency).amount for money in ledger.spent)
    row(
        "The example, filmed",
        vendor=way,
        shots=len(manifest.shots),
        bill=" + ".join(f"{amount} {currency}" for currency, amount in sorted(owed.items())),
        seconds=f"{took:.0f}",
    )


def plain(amounts: Iterable[Money]) -> Iterable[tuple[Decimal, str]]:
    return [(money.amount, money.currency) for money in amounts]


def rounded(amounts: Iterable[tuple[Decimal | str, str]]) -> dict[str, Decimal]:
    """Totals per currency, to the cent."""
    totals: Counter[str] = Counter()
    for amount, currency in amounts:
        totals[currency] += Decimal(amount)  # type: ignore[assignment]  # a Counter of money
    return {currency: Decimal(total).quantize(Decimal("0.01")) for currency, total in totals.items() if total}


def decoded(path: Path, asked: Shot, order: Order) -> None:
    """Every frame and sample of a clip decodes, and there are as many as were ordered, as big as ordered."""
    with av.open(path) as clip:
        rate = clip.streams.video[0].average_rate
        frames = [(frame.width, frame.height) for frame in clip.decode(video=0)]
    assert rate
    (size,) = set(frames)
    # With a first frame the picture has the frame's own ratio, and where no page gives pixels there are none to hold.
    if order.first_frame is None and order.width is not None:
        assert size == (order.width, order.height), order.route.id
    assert min(size) >= 0.9 * 720, order.route.id
    assert size[0] / size[1] == pytest.approx(9 / 16, rel=0.03)
    within = max(2 / float(rate), 0.1)
    assert len(frames) / float(rate) == pytest.approx(asked.duration, abs=within), order.route.id
    assert order.audio or not asked.dialogue
    if order.audio:
        assert heard(path) == pytest.approx(asked.duration, abs=0.15), order.route.id


def heard(path: Path) -> float:
    """Seconds of sound."""
    with av.open(path) as clip:
        return sum(frame.samples / frame.sample_rate for frame in clip.decode(audio=0))


def whole_film(manifest: Manifest, episode: Episode) -> None:
    with av.open(manifest.film) as cut:
        rate = cut.streams.video[0].average_rate
        frames = sum(1 for _ in cut.decode(video=0))
        assert bool(cut.streams.audio) or not any(each.shot.dialogue for each in episode.shots)
    assert rate
    assert frames / float(rate) == pytest.approx(sum(each.shot.duration for each in episode.shots), abs=1)
    assert manifest.contact_sheet.is_file()


async def test_what_a_vendor_cannot_film_is_said_before_anything_is_sent(
    emulator: Handle, tmp_path: Path
) -> None:
    text = (
        EXAMPLE.path.read_text("utf-8").replace("年轻女人站在", "年轻女人 @林夏 站在") if EXAMPLE.path else ""
    )
    (tmp_path / "plates").symlink_to(ROOT / "docs/examples/rain/plates")
    (tmp_path / "frames").symlink_to(ROOT / "docs/examples/rain/frames")
    (tmp_path / "episode.toml").write_text(text.replace('first_frame = "frames/s04.png"\n', ""), "utf-8")
    episode = Episode.load(tmp_path / "episode.toml").repinned("sora")
    async with Studio(Config(home=tmp_path / "home", time_scale=SPEED)) as studio:
        limit = left_of(studio, episode.budgets(None), episode.title)
        plan = (await look_ahead(studio, episode, Picks(), tmp_path / "out", limit)).plan
    assert [planned.shot.id for planned in plan.unfilmable] == ["s04"]
    (said,) = {r.reason for r in plan.unfilmable[0].refusals if r.route.id == "sora:intl/sora-2"}
    assert said == "references asked; films from text, first_frame"
    assert emulator.requests() == []
