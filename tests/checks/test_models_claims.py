"""What a card claims is what the adapter sends: ``native`` is a field of the create, ``prompt`` is words in it."""

import email.message
import email.parser
import email.policy
import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from httpx import Request, Response

from dramagen import Camera, Cut, Image, Line, Reference, Shot
from dramagen.adapters import adapter
from dramagen.adapters.base import PAID, Adapter, Attempt
from dramagen.catalog.capabilities import MOVES
from dramagen.catalog.fit import fit
from dramagen.catalog.load import Catalog
from dramagen.catalog.modes import Mode
from dramagen.catalog.order import Input, Order, Quote
from dramagen.catalog.route import Route
from dramagen.medium import Media
from dramagen.shot import RESOLUTIONS

PRICE = [{"per": "second", "amount": "1", "currency": "CNY"}]
CARDS = Catalog.load()
# What is sent is asked here, not what it costs: some models have no published price.
PRICED = Catalog.load(
    overrides={
        provider: {"models": {model: {"price": PRICE} for model in CARDS.models(provider)}}
        for provider in CARDS.providers()
    }
)
MODELS = [f"{p}/{m}" for p in PRICED.providers() for m in PRICED.models(p) if PRICED.model(p, m).modes]
FRAME = Image.from_bytes(b"a frame")
UPLOADED = {
    "data": {
        "policy": "p", "signature": "s", "upload_dir": "d", "upload_host": "https://store.example",
        "oss_access_key_id": "k", "x_oss_object_acl": "private", "x_oss_forbid_overwrite": "true",
    },
    "upload_url": "https://store.example/put", "file_url": "https://store.example/file",
    "urls": {"get": "https://store.example/file"}, "id": "file-1",
}  # fmt: skip
"""What vendors answer while media go up, before the create."""


def measured(media: Media) -> Input:
    return Input(sha256=media.sha256, media_type="image/png", size=1000, width=720, height=1280)


class Bench:
    """One model in one of its modes, and the create that each way of asking becomes."""

    def __init__(self, model: str, mode: Mode) -> None:
        provider, _, name = model.partition("/")
        region = next(iter(PRICED.model(provider, name).wire))
        self.route = Route(provider=provider, region=region, model=name)
        self.mode = mode
        self.adapter: Adapter = adapter(PRICED.provider(provider).adapter)

    def order(self, **said: Any) -> Order:
        mode = self.mode
        inputs: dict[str, dict[str, Any]] = {
            "text": {},
            "first_frame": {"first_frame": FRAME},
            "first_last_frame": {"first_frame": FRAME, "last_frame": FRAME},
            "references": {"references": [Reference("Lin", [FRAME])]},
        }
        fields = inputs[mode.name]
        if "first_frame" not in fields and "9:16" not in mode.ratios:
            fields |= {"aspect_ratio": mode.ratios[0]}
        if RESOLUTIONS.index(mode.resolutions[-1]) < RESOLUTIONS.index("720p"):
            fields |= {"resolution": mode.resolutions[-1]}
        if said.get("dialogue") and mode.audio_resolutions:
            fields |= {"resolution": mode.audio_resolutions[0]}
        seconds = mode.durations.at_least(Decimal(2))
        assert seconds is not None
        shot = Shot("A street in the rain", **({"duration": float(seconds)} | fields | said))
        found = fit(
            shot,
            self.route,
            PRICED,
            measure=measured,
            wording=self.adapter.wording,
            today=date(2026, 11, 22),
            overridden=True,
        )
        assert isinstance(found, Quote), f"{self.route.id} {mode.name}: {found.rule}: {found.reason}"
        assert found.order.mode == mode.name
        return found.order

    def words(self, **said: Any) -> str:
        """The prompt, which must be in the create as it stands."""
        order = self.order(**said)
        words = self.adapter.wording(order)
        assert words in [value for _, value in self.create(order)], "the wording is not what is sent"
        return words

    def fields(self, **said: Any) -> dict[str, Any]:
        """Everything of the create but the prompt, by its place in the body."""
        order = self.order(**said)
        words = self.adapter.wording(order)
        return {place: value for place, value in self.create(order) if value != words}

    def create(self, order: Order) -> list[tuple[str, Any]]:
        """Every value of the paid request's body, with its place."""
        inputs = {item.sha256: b"content" for item in order.inputs()}
        flow = self.adapter.submit(order, Attempt(tag="a" * 24, created=1_795_000_000.0, inputs=inputs))
        request = next(flow)
        while not request.extensions.get(PAID):
            request = flow.send(Response(200, json=UPLOADED, headers={"location": "https://store.example/p"}))
        flow.close()
        return list(leaves(body(request)))


def body(request: Request) -> Any:
    """A create as plain values, JSON or a form."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/"):
        return json.loads(request.content)
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        b"content-type: " + kind.encode() + b"\r\n\r\n" + request.read()
    )
    return {part_name(part): part.get_payload(decode=True) for part in form.iter_parts()}


def part_name(part: email.message.Message) -> str:
    return str(part.get_param("name", header="content-disposition"))


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{place}[{number}]")
    else:
        yield place, value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def benches(model: str) -> Iterator[Bench]:
    provider, _, name = model.partition("/")
    for mode in PRICED.model(provider, name).modes:
        if mode.name != "references" or mode.references.images:
            yield Bench(model, mode)


def cuts(mode: Mode) -> dict[str, Any]:
    """Two cuts that fill the shortest clip with room for them."""
    least = max(Decimal(2), 2 * ((mode.cuts.min_seconds if mode.cuts else None) or Decimal(1)))
    whole = mode.durations.at_least(least)
    assert whole is not None
    return {
        "duration": float(whole),
        "cuts": [Cut("a door opens slowly", 1), Cut("close on her wet hands", float(whole) - 1)],
    }


@pytest.mark.parametrize("model", MODELS)
def test_a_card_tells_the_truth(model: str) -> None:
    moved = False
    for bench in benches(model):
        if bench.mode.camera is not None and not moved:
            camera(bench)  # eighteen moves are worded alike in every mode
            moved = True
        dialogue(bench)
        cutting(bench)
        negative(bench)
        seed(bench)
        sound(bench)


def camera(bench: Bench) -> None:
    moves = bench.mode.moves or MOVES
    if bench.mode.camera == "prompt":
        said = [bench.words(), *(bench.words(camera=Camera(move)) for move in moves)]
        assert len(set(said)) == len(said), "each move has words of its own"
        return
    sent = [bench.fields(), *(bench.fields(camera=Camera(move)) for move in moves)]
    assert all(sent.count(fields) == 1 for fields in sent), "each move has a value of its own"


def dialogue(bench: Bench) -> None:
    lines = [Line("Lin", "Here you are at last"), Line("Shen", "Go home now")]
    if bench.mode.dialogue is not None:
        assert bench.mode.audio != "never", "nobody speaks in a silent clip"
    if bench.mode.dialogue == "prompt":
        words = bench.words(dialogue=lines)
        assert all(line.text in words for line in lines)
        # A reference is called what the vendor calls it.
        assert "Shen" in words
        assert "Lin" in words or bench.mode.name == "references"
    elif bench.mode.dialogue == "native":
        sent = json.dumps(bench.fields(dialogue=lines), ensure_ascii=False)
        assert all(line.text in sent for line in lines)
    if bench.mode.voice_ids:
        voice = "voice-000000000000000001"
        assert voice in bench.fields(dialogue=[Line("Lin", "Go home", voice=voice)]).values()


def cutting(bench: Bench) -> None:
    if bench.mode.cuts is None:
        return
    asked = cuts(bench.mode)
    whole = json.dumps(bench.create(bench.order(**asked)), ensure_ascii=False)
    assert whole.index("a door opens slowly") < whole.index("close on her wet hands")
    if bench.mode.cuts.way == "prompt":
        assert "close on her wet hands" in bench.words(**asked)
    else:
        plain = bench.fields(duration=asked["duration"])
        assert bench.fields(**asked) != plain, "a native cut is more than words"


def negative(bench: Bench) -> None:
    unwanted = "crooked letters"
    if bench.mode.negative_prompt == "prompt":
        assert unwanted in bench.words(negative_prompt=unwanted)
    elif bench.mode.negative_prompt == "native":
        assert unwanted in bench.fields(negative_prompt=unwanted).values()
        assert unwanted not in bench.words(negative_prompt=unwanted)


def seed(bench: Bench) -> None:
    sent = [str(value) for value in bench.fields(seed=424_242).values()]
    assert ("424242" in sent) is (bench.mode.seed is not None)


def sound(bench: Bench) -> None:
    if bench.mode.audio == "switch":
        tier = {"resolution": bench.mode.audio_resolutions[0]} if bench.mode.audio_resolutions else {}
        assert bench.fields(audio=True, **tier) != bench.fields(audio=False, **tier)
