"""Every way to lose a create, on every provider: over real sockets, against the emulator's own bill.

What must come of it follows from the provider's card alone: whether a lost create can be found, and whether the
vendor documents our tag as unique. Nothing here knows an adapter.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from PIL import Image as Picture

from dramagen import Clip, Config, Image, Shot, Studio
from dramagen.catalog.cards import Find
from dramagen.catalog.load import Catalog
from dramagen.emulator import Handle, running
from dramagen.emulator.world import VENDORS
from dramagen.errors import DramagenError, OutcomeUnknown

pytestmark = pytest.mark.anyio

SPEED = 600.0
FEW = 3
"""Faults a normal run plays on the provider it draws."""

KINDS: dict[str, dict[str, Any]] = {
    "drop": {"kind": "drop"},
    "slow": {"kind": "slow", "seconds": 3600},
    "500": {"kind": "status", "status": 500},
    "malformed": {"kind": "malformed"},
    "429": {"kind": "status", "status": 429},
}


def upright() -> Image:
    drawn = BytesIO()
    Picture.new("RGB", (540, 960), (40, 60, 90)).save(drawn, "png")
    return Image.from_bytes(drawn.getvalue())


SHOTS = {
    "seedance": Shot("雨夜", duration=2, resolution="480p", pin="seedance:cn/seedance-1.0-pro-fast"),
    "kling": Shot("雨夜", duration=5, pin="kling:cn/kling-2.5-turbo"),
    "wan": Shot("雨夜", duration=2, resolution="480p", pin="wan:cn/wan-3.0"),
    "hailuo": Shot("雨夜", duration=5, resolution="480p", pin="hailuo:cn/minimax-h3-max"),
    # Its first generation has no list to find anything in.
    "hailuo, first generation": Shot(
        "雨夜", duration=6, resolution="512p", first_frame=upright(), pin="hailuo:cn/hailuo-02"
    ),
    "vidu": Shot("雨夜", duration=1, resolution="540p", pin="vidu:cn/viduq3-turbo"),
    "sora": Shot("雨夜", duration=4, pin="sora:intl/sora-2"),
    "fal": Shot("雨夜", duration=2, resolution="480p", pin="fal:intl/wan-3.0"),
    "replicate": Shot("雨夜", duration=2, resolution="480p", pin="replicate:intl/wan-3.0"),
}
"""The smallest clip each provider sells."""


def find_of(shot: Shot) -> Find:
    """What the cards say of looking for a lost create of this shot's model."""
    catalog = Catalog.load(())
    (route,) = catalog.matching(shot.pin)
    model = catalog.model(route.provider, route.model)
    return model.find or catalog.provider(route.provider).find


@dataclass(frozen=True)
class Fault:
    """``after``: the job was made and billed before the answer was spoilt. ``times``: creates in a row."""

    kind: str
    after: bool
    times: int = 1

    def __str__(self) -> str:
        often = f" x{self.times}" if self.times > 1 else ""
        return f"{self.kind} {'after' if self.after else 'before'}{often}"


FAULTS = [
    *(Fault(kind, after) for kind in KINDS for after in (False, True)),
    Fault("drop", after=False, times=2),
    Fault("429", after=False, times=2),
]


BY_SHAPE = {"hailuo"}
"""Whose tasks show neither name nor words: after a refusal one that looks alike may be anybody's."""


def expected(who: str, fault: Fault, find: Find) -> str:
    """``clip``: one, paid once. ``unknown``: nothing is sent again, and the money at risk is held back."""
    if fault.kind == "429":
        # Refused in the vendor's own words: the same create again, once it is known that no job was made for it.
        return "unknown" if fault.after and who in BY_SHAPE else "clip"
    if fault.after:
        return "clip" if find.findable else "unknown"
    return "clip" if find.findable and find.tag == "unique" else "unknown"


@pytest.fixture(scope="module")
def _emulator(kept: dict[str, Any]) -> Iterator[Handle]:
    with running(speed=SPEED, settings=kept) as handle:
        yield handle


@pytest.fixture
def emulator(_emulator: Handle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Handle:
    for name in list(os.environ):
        if name.startswith("DRAMAGEN_") or name.endswith("_API_KEY") or "proxy" in name.lower():
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRAMAGEN_EMULATOR", _emulator.url)
    return _emulator


async def shoot(studio: Studio, shot: Shot) -> Clip | DramagenError:
    try:
        return await studio.shoot(shot)
    except DramagenError as error:
        return error


def test_every_provider_that_is_paid_is_in_the_matrix() -> None:
    catalog = Catalog.load(())
    covered = {shot.pin.partition(":")[0] for shot in SHOTS.values() if shot.pin}
    # One's own server speaks Sora's protocol; it is lost and found in its own film tests.
    assert covered == set(catalog.providers()) - {"previz", "selfhosted"}


@pytest.mark.matrix
@pytest.mark.parametrize("who", SHOTS)
async def test_a_lost_create_is_never_paid_twice(
    who: str,
    anyio_backend: str,
    emulator: Handle,
    tmp_path: Path,
    sample: Callable[[Iterable[Any], int], list[Any]],
    row: Callable[..., None],
) -> None:
    find = find_of(SHOTS[who])
    told = {}
    # Where there is no list, as of Hailuo's first generation, a 429 in the vendor's own words has to be believed.
    faults = [f for f in FAULTS if find.findable or not (f.kind == "429" and f.after)]
    for number, fault in enumerate(sample(faults, FEW)):
        emulator.reset()
        told[str(fault)] = await lose(emulator, who, fault, find, tmp_path / str(number))
    way = find.tag if find.findable else "not findable"
    row(
        "Lost creates: what came of it, and the rows on the bill",
        provider=who,
        tag=way,
        on=anyio_backend,
        **told,
    )


async def lose(emulator: Handle, who: str, fault: Fault, find: Find, home: Path) -> str:
    """Film a shot while its create is lost, again after a restart; what came of it, for people."""
    shot = SHOTS[who]
    (route,) = Catalog.load(()).matching(shot.pin)
    emulator.faults(
        provider=route.provider,
        on="create",
        after_accept=fault.after,
        times=fault.times,
        **KINDS[fault.kind],
    )
    config = Config(home=home, time_scale=SPEED)
    async with Studio(config) as studio:
        planned = studio.plan(shot).shots[0].choice
        first = await shoot(studio, shot)
    async with Studio(config) as studio:
        await studio.resume()
        second = await shoot(studio, shot)
        ledger = studio.ledger()
    bill = [Decimal(line["amount"]) for line in emulator.bill() if Decimal(line["amount"])]
    case = (shot.pin, str(fault), first, second, bill)

    assert len(bill) <= 1, case
    assert not ledger.reserved, case
    if expected(who, fault, find) == "clip":
        assert isinstance(first, Clip), case
        assert isinstance(second, Clip), case
        assert second.cached, case
        assert second.sha256 == first.sha256, case
        assert len(bill) == 1, case
        assert [money.amount for money in ledger.spent] == bill, case
        assert not ledger.unknown, case
        return f"clip, {len(bill)}"
    assert planned is not None
    for error in (first, second):
        assert isinstance(error, OutcomeUnknown), case
        assert error.at_risk == planned.price.most, case
        assert error.billed is None, case
    assert ledger.unknown == (planned.price.most,), case
    assert len(bill) == fault.after, case
    assert not any(ledger.spent), case
    return f"unknown, {len(bill)}"


# --- where a vendor's pages leave its behaviour open, each way it may be ------------------------------------------

VALUES: dict[str, list[Any]] = {
    "concurrency": [1],
    "content_life": [36_000],
    "create_rps": [1],
    "creates_per_minute": [2],
    "fail_word": ["Failed"],
    "job_seconds": [1, 250],
    "link_seconds": [900],
    "list_delay": [30],
    "list_page": [1],
    "list_qps": [0],
    "long_ids": [True],
    "lookup_delay": [30],
    "page_most": [10],
    "poll_after_ms": [5000],
    "rpm": [2],
    "running_word": ["rendering"],
    "task_qps": [2],
    "unknown_state": ["rendering"],
    "unknown_status": ["RENDERING"],
}
"""What is tried of an option that is a number or a word. No life is so short that a busy machine fetches too late."""

ELSEWHERE = {
    # callbacks, cancels and moderation have tests of their own; these say what an account or a server is
    "api_key", "balance", "callback_signature", "callback_word", "callbacks", "cancel_queued", "cancel_running",
    "cancelled_billed", "cancelled_shown", "compute_price", "concurrency_4k", "data_life", "endpoints", "fallback",
    "file_life", "handshake", "moderation_words", "not_activated", "not_opened", "off_peak_wait", "profile", "queue",
    "reference_seconds", "reference_video_seconds", "result_life", "retention", "retired", "runner_failures",
    "secrets", "served", "signed_headers", "troubled", "unlisted_price", "upload_mb", "wait_output", "wait_status",
    "webhook_secrets", "webhook_url", "words",
}  # fmt: skip
"""Options without a part in a plain film or a lost create."""

HIDDEN: set[tuple[str, str, Any]] = {("fal", "requests_listed", False)}
"""Ways a vendor may be that hide a lost job: nothing is sent again, and the money at risk is held back."""


def open_questions() -> Iterator[tuple[str, str, Any]]:
    """(whom of SHOTS, option, value): every option's every value but the one in force."""
    for who, shot in SHOTS.items():
        provider = (shot.pin or "").partition(":")[0]
        fields = import_module(VENDORS[provider]).VENDOR.settings.model_fields
        for name, field in fields.items():
            if name in ELSEWHERE:
                continue
            if get_origin(field.annotation) is Literal:
                values = list(get_args(field.annotation))
            else:
                values = [True, False] if field.annotation is bool else VALUES[name]
            yield from ((who, name, value) for value in values if value != field.default)


# One backend: both are in the matrix above.
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.matrix
@pytest.mark.parametrize(("who", "option", "value"), list(open_questions()))
async def test_whichever_way_a_vendor_behaves_it_films_and_nothing_is_paid_twice(
    who: str, option: str, value: Any, emulator: Handle, tmp_path: Path
) -> None:
    shot = SHOTS[who]
    (route,) = Catalog.load(()).matching(shot.pin)
    find = find_of(shot)
    if (who, option, value) in HIDDEN:
        find = find.model_copy(update={"findable": False})

    def as_open() -> None:
        emulator.reset()
        emulator.settings(**{route.provider: {option: value}})

    as_open()
    async with Studio(Config(home=tmp_path / "plain", time_scale=SPEED)) as studio:
        clip = await studio.shoot(shot)
        assert [money.amount for money in studio.ledger().spent] == [clip.cost.amount]
    (line,) = emulator.bill()
    assert Decimal(line["amount"]) == clip.cost.amount
    for number, after in enumerate((True, False)):
        as_open()
        await lose(emulator, who, Fault("drop", after), find, tmp_path / str(number))
