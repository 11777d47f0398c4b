"""Films over real sockets: Sora where somebody still serves it, and one's own server from a few lines of settings."""

import itertools
import os
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture

from dramagen import Clip, Config, Money, Shot, Studio
from dramagen.emulator import Handle, running
from dramagen.errors import ContentRejected, DramagenError, JobFailed, NoRoute, OutcomeUnknown, RetiredModel

# A normal run films these vendors in the episode's and the lost creates' samples.
pytestmark = [pytest.mark.anyio, pytest.mark.matrix(few=0)]

SPEED = 600.0

RIG = """
[providers.rig]
like = "selfhosted"
regions.t2v.base_url = "{url}/selfhosted/v1"

[providers.rig.models."wan-2.2-t2v-a14b"]
like = "selfhosted/wan-2.2-t2v-a14b"
wire.t2v.profile = "{profile}"
latency = [{{ p50 = 70, p90 = 90, at = 5 }}]
price = [{{ per = "compute_second", amount = "0.001", currency = "CNY" }}]

[providers.rig.models."wan-2.2-i2v-a14b"]
like = "selfhosted/wan-2.2-i2v-a14b"
wire.t2v.profile = "{profile}"
price = [{{ per = "second", amount = 0, currency = "CNY" }}]
"""

GATEWAY = """
keys = {{ gw = "sk-gateway" }}

[providers.gw]
like = "sora"
regions.x.base_url = "{url}/sora/v1"

[providers.gw.models.veo-9]
like = "sora/sora-2"
wire.x.profile = "generic"
price = [{{ per = "second", amount = "0.10", currency = "USD" }}]

[[providers.gw.models.veo-9.mode]]
name = "text"
durations = {{ min = 4, max = 15 }}
resolutions = ["720p"]
ratios = ["9:16"]
sizes.720p = {{ "9:16" = [768, 1344] }}
audio = "never"
"""

VERDICTS = [
    ("[[moderate-input]]", ContentRejected),
    ("[[moderate-output]]", ContentRejected),
    ("[[fail]]", JobFailed),
]


@pytest.fixture(scope="module")
def _emulator(kept: dict[str, Any]) -> Iterator[Handle]:
    with running(speed=SPEED, settings=kept) as handle:
        yield handle


@pytest.fixture
def vendors(_emulator: Handle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Handle:
    """The emulator, and nothing of the machine the tests run on."""
    for name in list(os.environ):
        if name.startswith("DRAMAGEN_") or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    _emulator.reset()
    return _emulator


@pytest.fixture(params=["sglang", "vllm-omni"])
def rig(request: pytest.FixtureRequest, vendors: Handle, tmp_path: Path) -> Handle:
    """One's own server in each dialect, and the settings that name it."""
    settings = RIG.format(url=vendors.url, profile=request.param)
    (tmp_path / "dramagen.toml").write_text(settings, "utf-8")
    vendors.settings(selfhosted={"profile": request.param})
    return vendors


@pytest.fixture
def emulated(vendors: Handle, monkeypatch: pytest.MonkeyPatch) -> Handle:
    monkeypatch.setenv("DRAMAGEN_EMULATOR", vendors.url)
    return vendors


def studio_at(path: Path) -> Studio:
    return Studio(Config(home=path / "home", time_scale=SPEED))


def frame(path: Path, width: int, height: int) -> Path:
    Picture.new("RGB", (width, height), (90, 60, 30)).save(path / "frame.png")
    return path / "frame.png"


async def settled(studio: Studio, vendors: Handle, shot: Shot) -> Clip:
    clip = await studio.shoot(shot)
    [row] = [row for row in vendors.bill() if Decimal(row["amount"])] or vendors.bill()
    assert (clip.cost.amount, clip.cost.currency) == (Decimal(row["amount"]), row["currency"])
    return clip


# -- Sora ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model", ["sora-2", "sora-2-pro", "sora-2-2025-10-06", "sora-2-2025-12-08", "sora-2-pro-2025-10-06"]
)
async def test_a_retired_model_is_refused_with_the_date_and_what_to_use(
    vendors: Handle, tmp_path: Path, model: str
) -> None:
    async with Studio(Config(home=tmp_path / "home", keys={"sora": "sk-x"})) as studio:
        with pytest.raises(RetiredModel, match=r"retired on 2026-09-24; use \S+ or \S+"):
            await studio.shoot(Shot("雨夜", duration=4, pin=model))
        plan = studio.plan(Shot("雨夜", duration=4))
    assert not [quote for quote in plan.shots[0].quotes if quote.route.provider == "sora"]


async def test_it_films_where_somebody_still_serves_it(emulated: Handle, tmp_path: Path) -> None:
    async with studio_at(tmp_path) as studio:
        clip = await settled(studio, emulated, Shot("雨夜", duration=4, pin="sora-2"))
    assert (clip.media.width, clip.media.height, clip.media.has_audio) == (720, 1280, True)
    assert clip.cost == Money("0.40 USD")
    [create] = [r for r in emulated.requests() if r["method"] == "POST" and r["path"].endswith("/v1/videos")]
    assert create["headers"]["content-type"].startswith("multipart/form-data")


async def test_a_first_frame_and_a_trim(emulated: Handle, tmp_path: Path) -> None:
    shot = Shot(
        "她抬头", duration=5, resolution="1080p", first_frame=frame(tmp_path, 1080, 1920), pin="sora-2-pro"
    )
    async with studio_at(tmp_path) as studio:
        clip = await settled(studio, emulated, shot)
    assert (clip.media.width, clip.media.height) == (1080, 1920)
    assert abs(clip.media.duration - 5) < 0.05
    assert clip.cost == Money("5.60 USD")


async def test_a_frame_of_another_size_is_refused_before_paying(emulated: Handle, tmp_path: Path) -> None:
    shot = Shot("她抬头", duration=4, first_frame=frame(tmp_path, 900, 1600), pin="sora-2")
    async with studio_at(tmp_path) as studio:
        with pytest.raises(NoRoute, match="only exactly 720x1280 is taken"):
            await studio.shoot(shot)
    assert emulated.bill() == []


async def test_unpinned_shots_never_go_to_a_retired_model(emulated: Handle, tmp_path: Path) -> None:
    async with studio_at(tmp_path) as studio:
        plan = studio.plan(Shot("雨夜", duration=5))
    assert all(quote.route.provider != "sora" for quote in plan.shots[0].quotes)


@pytest.mark.parametrize(("word", "kind"), VERDICTS)
async def test_verdicts_are_typed(
    emulated: Handle, tmp_path: Path, word: str, kind: type[DramagenError]
) -> None:
    async with studio_at(tmp_path) as studio:
        with pytest.raises(kind):
            await studio.shoot(Shot(f"雨夜 {word}", duration=4, pin="sora-2"))


async def test_a_file_behind_a_redirect_is_fetched_and_the_key_stays(
    emulated: Handle, tmp_path: Path
) -> None:
    emulated.settings(sora={"content": "redirect"})
    async with studio_at(tmp_path) as studio:
        await settled(studio, emulated, Shot("雨夜", duration=4, pin="sora-2"))
    [file] = [r for r in emulated.requests() if "/_files/" in r["path"]]
    assert "authorization" not in file["headers"]


async def test_a_gateway_with_words_of_its_own(vendors: Handle, tmp_path: Path) -> None:
    vendors.settings(sora={"profile": "generic", "nulls": "left out", "content": "cloud", "long_ids": True})
    (tmp_path / "dramagen.toml").write_text(
        GATEWAY.format(url=vendors.url),
        "utf-8",
    )
    async with studio_at(tmp_path) as studio:
        clip = await settled(studio, vendors, Shot("雨夜", duration=7, pin="veo-9"))
    assert (clip.media.width, clip.media.height) == (768, 1344)


# -- one's own server ---------------------------------------------------------------------------------------


async def test_it_routes_like_any_other(rig: Handle, tmp_path: Path) -> None:
    async with studio_at(tmp_path) as studio:
        shot = Shot("雨夜,女主推门而入", duration=5, resolution="480p", seed=7, negative_prompt="模糊")
        [quote] = [q for q in studio.plan(shot).shots[0].quotes if q.keyed and q.route.provider != "previz"]
        assert (quote.route.id, quote.rating) == ("rig:t2v/wan-2.2-t2v-a14b", 1131)
        clip = await settled(studio, rig, shot)
        again = await studio.shoot(shot)
    assert clip.route == "rig:t2v/wan-2.2-t2v-a14b"
    assert (clip.media.width, clip.media.height, clip.media.has_audio) == (480, 832, False)
    assert clip.cost_source == "reported"
    assert Money("0.056 CNY") <= clip.cost <= Money("0.084 CNY")
    assert again.cached
    assert len(rig.bill()) == 1
    assert all("authorization" not in request["headers"] for request in rig.requests())


async def test_a_first_frame_gives_the_shape_and_the_price_may_be_nothing(
    rig: Handle, tmp_path: Path
) -> None:
    shot = Shot("她抬头", duration=4, resolution="480p", first_frame=frame(tmp_path, 900, 1600), pin="rig")
    async with studio_at(tmp_path) as studio:
        clip = await studio.shoot(shot)
    assert (clip.model, clip.cost) == ("wan-2.2-i2v-a14b", Money("0 CNY"))
    assert abs(clip.media.width / clip.media.height - 9 / 16) < 0.02
    assert abs(clip.media.duration - 4) < 0.1


async def test_a_job_the_server_fails_is_a_verdict(rig: Handle, tmp_path: Path) -> None:
    async with studio_at(tmp_path) as studio:
        with pytest.raises(JobFailed):
            await studio.shoot(Shot("雨夜 [[fail]]", duration=5, resolution="480p", pin="rig"))


async def test_the_cards_own_provider_needs_an_address_and_a_price(vendors: Handle, tmp_path: Path) -> None:
    shot = Shot("雨夜", duration=5, resolution="480p", pin="selfhosted/wan-2.1-t2v-1.3b")
    price = 'price = [{ per = "second", amount = 0, currency = "CNY" }]'
    own = f'[providers.selfhosted.models."wan-2.1-t2v-1.3b"]\n{price}\n'
    (tmp_path / "dramagen.toml").write_text(own, "utf-8")
    async with studio_at(tmp_path) as studio:
        with pytest.raises(NoRoute, match=r"no address: set base_urls\.selfhosted"):
            await studio.shoot(shot)
    (tmp_path / "dramagen.toml").write_text(
        f'base_urls = {{ selfhosted = "{vendors.url}/selfhosted" }}\n{own}', "utf-8"
    )
    async with studio_at(tmp_path) as studio:
        assert (await studio.shoot(shot)).media.height == 832


# -- lost creates -------------------------------------------------------------------------------------------

KINDS: dict[str, dict[str, Any]] = {
    "drop": {"kind": "drop"},
    "slow": {"kind": "slow", "seconds": 3600},
    "500": {"kind": "status", "status": 500},
    "malformed": {"kind": "malformed"},
    "429": {"kind": "status", "status": 429},
}
CASES = [case for case in itertools.product(KINDS, (False, True)) if case != ("429", True)]


async def lost(vendors: Handle, tmp_path: Path, where: str, shot: Shot, kind: str, after: bool) -> None:
    """Never two rows on the bill; a clip wherever a job was made, a question wherever none can be shown."""
    vendors.faults(provider=where, on="create", after_accept=after, **KINDS[kind])
    async with studio_at(tmp_path) as studio:
        with suppress(OutcomeUnknown):
            await studio.shoot(shot)
        await studio.resume()
    async with studio_at(tmp_path) as studio:
        try:
            clip: Clip | None = await studio.shoot(shot)
        except OutcomeUnknown:
            clip = None
        ledger = studio.ledger()
    rows = vendors.bill()
    assert len(rows) <= 1
    assert bool(clip) == bool(rows)
    assert not ledger.reserved
    if clip is not None:
        assert [money.amount for money in ledger.spent] == [Decimal(rows[0]["amount"])]
        assert not ledger.unknown
    else:
        assert not after
        assert ledger.unknown
    if after or kind == "429":
        assert clip is not None


@pytest.mark.matrix
@pytest.mark.parametrize(("kind", "after"), CASES)
async def test_a_lost_create_of_ones_own(rig: Handle, tmp_path: Path, kind: str, after: bool) -> None:
    shot = Shot("雨夜", duration=5, resolution="480p", pin="rig/wan-2.2-t2v-a14b")
    await lost(rig, tmp_path, "selfhosted", shot, kind, after)


async def test_two_takes_lost_at_once_are_not_taken_for_each_other(emulated: Handle, tmp_path: Path) -> None:
    shot = Shot("雨夜", duration=4, pin="sora-2")
    async with studio_at(tmp_path) as studio:
        first = await studio.shoot(shot)
        emulated.faults(provider="sora", on="create", kind="drop", after_accept=False)
        with pytest.raises(OutcomeUnknown):
            await studio.shoot(shot, take=2)
        ledger = studio.ledger()
    assert len(emulated.bill()) == 1
    assert [money.amount for money in ledger.spent] == [first.cost.amount]
    assert ledger.unknown == (Money("0.40 USD"),)
