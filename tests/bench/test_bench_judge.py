"""The judge, against an endpoint of our own over a socket: what it is sent, what becomes of its answers."""

import base64
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dramagen.bench.judge import _answers, ahead, calls, judge
from dramagen.bench.judge_client import Endpoint
from dramagen.bench.judge_cost import Prices, Purse
from dramagen.bench.judge_questions import questions
from dramagen.bench.judging import ENOUGH, Answer, Judgement, Usage, judgement_of, kappa
from dramagen.bench.suite import Suite
from dramagen.bench.take import Take, TakeId
from dramagen.engine.clock import VirtualClock
from dramagen.errors import AuthError, BudgetExceeded, ConfigError, JobFailed, ProviderUnavailable
from dramagen.money import Money

KEY = "judge-key-5f1c0b7a2e9d4"
Reply = Callable[[str], tuple[int, str]]


def said(content: Any) -> tuple[int, str]:
    text = content if isinstance(content, str) else json.dumps(content)
    usage = {"prompt_tokens": 900, "completion_tokens": 100}
    return 200, json.dumps({"choices": [{"message": {"content": text}}], "usage": usage})


def clean(words: str) -> list[dict[str, Any]]:
    """No defect, for each question that is asked."""
    return [{"id": name, "defect": False} for name in re.findall(r"^- (\w+): ", words, re.MULTILINE)]


@dataclass
class Server:
    """A vision model that answers as a test tells it, and remembers what it was asked."""

    url: str = ""
    reply: Reply = field(default=lambda words: said({"answers": clean(words)}))
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            state.asked.append({"path": self.path, **body})
            state.headers.append(dict(self.headers))
            words = " ".join(p["text"] for p in body["messages"][0]["content"] if p["type"] == "text")
            status, text = state.reply(words)
            data = text.encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{httpd.server_port}/v1"
    yield state
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture
def takes(tmp_path: Path, film_clip: Callable[..., Path], make_take: Callable[..., Take]) -> list[Take]:
    """One take of shot a on each of two routes."""
    listed = [make_take("a", "kling"), make_take("a", "vidu")]
    for number, one in enumerate(listed):
        film_clip(tmp_path / (one.clip or ""), hue=40 + 100 * number)
    return listed


def at(server: Server, clock: VirtualClock | None = None) -> Endpoint:
    return Endpoint.at(server.url, "seer-1", KEY, clock or VirtualClock())


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_take_is_asked_about_defect_by_defect_at_its_native_size(
    server: Server, suite: Suite, takes: list[Take], tmp_path: Path
) -> None:
    server.reply = lambda words: said(
        'Here you are:\n```json\n{"answers": ['
        '{"id": "limbs", "defect": true, "time": 0.2, "evidence": "six fingers"}, '
        '{"id": "action", "defect": false, "time": null, "evidence": ""}, '
        '{"id": "invented", "defect": true}, {"id": "people", "defect": "perhaps"}]}\n```'
    )
    async with at(server) as endpoint:
        found = await judge(
            endpoint, suite, takes[:1], tmp_path, prices=Prices(Money("2 CNY"), Money("10 CNY"))
        )
    answers = found.answers[takes[0].id]
    asked = questions(suite.shot("a"))
    assert answers == (
        Answer(asked["limbs"], True, 0.2, "six fingers"),
        Answer(asked["action"], False, None, ""),
    )
    assert found.cost == Money("0.0028 CNY")
    request = server.asked[0]
    assert (request["path"], request["model"], request["temperature"]) == (
        "/v1/chat/completions",
        "seer-1",
        0,
    )
    assert request["response_format"] == {"type": "json_object"}
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    parts = request["messages"][0]["content"]
    assert "雨夜,街口" in parts[0]["text"]
    pictures = [p["image_url"]["url"] for p in parts if p["type"] == "image_url"]
    assert len(pictures) == 8
    head, _, data = pictures[0].partition(",")
    assert head == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (90, 160)


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_pair_counts_only_where_both_orders_agree(
    server: Server, suite: Suite, takes: list[Take], tmp_path: Path
) -> None:
    server.reply = lambda words: said({"better": "a"} if "Two takes" in words else {"answers": clean(words)})
    async with at(server) as endpoint:
        found = await judge(endpoint, suite, takes, tmp_path)
    assert found.wins == {"kling": (0, 1), "vidu": (0, 1)}  # always the first: no winner
    assert len(server.asked) == calls(takes) == 4

    seen: list[str] = []

    def by_order(words: str) -> tuple[int, str]:
        if "Two takes" not in words:
            return said({"answers": clean(words)})
        seen.append(words)
        return said({"better": "A" if len(seen) == 1 else "b"})

    server.reply = by_order
    (tmp_path / "judge.json").unlink()
    async with at(server) as endpoint:
        found = await judge(endpoint, suite, takes, tmp_path)
    assert found.wins == {"kling": (1, 1), "vidu": (0, 1)}


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_what_was_asked_once_is_not_asked_again_and_still_counted(
    server: Server, suite: Suite, takes: list[Take], tmp_path: Path
) -> None:
    for _ in range(2):
        async with at(server) as endpoint:
            found = await judge(endpoint, suite, takes[:1], tmp_path)
        assert (found.usage.sent, found.usage.received) == (900, 100)
    assert len(server.asked) == 1
    async with at(server) as endpoint:  # another clip is another question
        await judge(endpoint, suite, [replace(takes[0], sha256="f" * 64)], tmp_path)
    assert len(server.asked) == 2
    assert KEY not in (tmp_path / "judge.json").read_text()


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_an_outage_is_waited_out_and_a_refusal_is_not(server: Server) -> None:
    answers = [(503, "busy"), (429, "{}"), said({"ok": True})]
    server.reply = lambda words: answers.pop(0)
    clock = VirtualClock()
    began = clock.now()
    async with at(server, clock) as endpoint:
        document, _ = await endpoint.ask(["?"])
    assert document == {"ok": True}
    assert clock.now() - began == 15.0
    for status, body, error in (
        (401, f"no such key {KEY}", AuthError),
        (400, json.dumps({"error": {"message": f"too many pictures {KEY}"}}), JobFailed),
        (200, "[]", JobFailed),
        (200, said("I cannot see any pictures")[1], JobFailed),
    ):
        server.reply = lambda words, s=status, b=body: (s, b)  # type: ignore[misc]  # mypy does not see the defaults
        async with at(server) as endpoint:
            with pytest.raises(error) as caught:
                await endpoint.ask(["?"])
            assert KEY not in str(caught.value) + repr(caught.value) + repr(endpoint)
    server.reply = lambda words: (500, "")
    async with at(server) as endpoint:
        with pytest.raises(ProviderUnavailable):
            await endpoint.ask(["?"])


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_take_it_cannot_be_asked_about_stops_no_other(
    server: Server, suite: Suite, takes: list[Take], tmp_path: Path
) -> None:
    server.reply = lambda words: said({"answers": clean(words)}) if server.asked[1:] else (400, "{}")
    async with at(server) as endpoint:
        found = await judge(endpoint, suite, takes, tmp_path, pairs=False)
    assert (len(found.answers), len(found.failures)) == (1, 1)


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
@pytest.mark.parametrize("document", [{}, {"answers": []}, {"answers": [{"id": "limbs", "defect": False}]}])
async def test_silence_is_no_clean_take(
    server: Server, suite: Suite, takes: list[Take], tmp_path: Path, document: Any
) -> None:
    server.reply = lambda words: said(document)
    async with at(server) as endpoint:
        found = await judge(endpoint, suite, takes[:1], tmp_path)
    assert found.answers == {}
    (why,) = found.failures.values()
    assert "questions unanswered" in why


# --- what it may cost -----------------------------------------------------------------------------------------------

PRICES = Prices(Money("2 CNY"), Money("10 CNY"))


def to_film(take: Take) -> Take:
    return replace(take, sha256=None)


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_what_is_reckoned_beforehand_is_the_most_it_costs(
    server: Server, suite: Suite, takes: list[Take], tmp_path: Path
) -> None:
    left = ahead("seer-1", suite, [to_film(take) for take in takes], tmp_path)
    assert left.calls == calls(takes) == 4
    # 360x640 is 13 x 23 squares of 28 pixels, in 16 frames of each take and in 12 of each pair.
    assert left.usage.sent > 2 * (16 + 12) * 13 * 23
    assert left.usage.received == 4 * 2000
    told: list[int] = []
    async with at(server) as endpoint:
        found = await judge(
            endpoint, suite, takes, tmp_path,
            prices=PRICES, most=left.most(PRICES), told=lambda: told.append(1),
        )  # fmt: skip
    assert not found.failures
    assert found.cost is not None
    assert 0 < found.cost.amount <= left.most(PRICES).amount
    assert len(told) == 4
    # What was answered is not asked and not reckoned again.
    assert ahead("seer-1", suite, takes, tmp_path).calls == 0
    assert ahead("seer-2", suite, takes, tmp_path).calls == 4


@pytest.mark.anyio
@pytest.mark.matrix(of="anyio_backend")
async def test_a_judge_that_counts_higher_than_was_reckoned_is_not_asked_past_what_was_agreed_to(
    server: Server,
    suite: Suite,
    make_take: Callable[..., Take],
    film_clip: Callable[..., Path],
    tmp_path: Path,
) -> None:
    takes = [make_take("a", "kling", number) for number in range(1, 13)]
    for take in takes:
        film_clip(tmp_path / (take.clip or ""))
    usage = {"prompt_tokens": 60_000, "completion_tokens": 100}
    server.reply = lambda words: (
        200,
        json.dumps({"choices": [{"message": {"content": json.dumps({"answers": clean(words)})}}], "usage": usage}),
    )  # fmt: skip
    left = ahead("seer-1", suite, [to_film(take) for take in takes], tmp_path)
    most = left.most(PRICES)
    async with at(server) as endpoint:
        found = await judge(endpoint, suite, takes, tmp_path, prices=PRICES, most=most)
    assert 0 < len(server.asked) < 12
    assert len(found.answers) == len(server.asked)
    assert len(found.failures) == 12 - len(server.asked)
    assert found.cost is not None
    one = PRICES.of(Usage(60_000, 100))
    assert found.cost.amount <= most.amount + 4 * one.amount  # four are asked at once
    why = next(iter(found.failures.values()))
    assert "not asked" in why
    assert str(most) in why
    async with at(server) as endpoint:  # run again, it goes on where it was
        again = await judge(endpoint, suite, takes, tmp_path, prices=PRICES, most=most)
    assert len(again.answers) > len(found.answers)


def test_an_answer_that_was_none_is_counted_as_paid_for() -> None:
    purse = Purse(PRICES, Money("0.02 CNY"))
    with pytest.raises(JobFailed), purse.asking(Usage(5_000, 500)):
        raise JobFailed("no JSON", billed=None)
    with pytest.raises(BudgetExceeded), purse.asking(Usage(5_000, 500)):
        pass
    free = Purse(PRICES, Money("0.02 CNY"))
    for _ in range(3):
        with pytest.raises(AuthError), free.asking(Usage(5_000, 500)):
            raise AuthError("no such key", billed=False)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ((), "asked up to 4 questions, at a price not known here: --judge-price"),
        (("--budget", "80 CNY"), "asked up to 4 questions, at a price not known here"),
        (("--judge-price", "2/10 CNY"), "asked up to 4 questions, costs up to 0."),
        (("--judge-price", "2/10 CNY", "--budget", "0.01 CNY"), "the budget is 0.01 CNY; nothing was sent"),
        (("--judge-price", "2/10 GBP"), "no rate is stated for GBP"),
    ],
)
def test_nobody_pays_a_judge_without_having_been_told(
    run: Callable[..., Any], server: Server, more: tuple[str, ...], told: str
) -> None:
    """Also where the filming costs nothing."""
    done = run("tiny.toml", "previz", "--judge", "seer-1", "--judge-url", server.url, *more)
    assert done.code != 0
    assert told in done.err
    assert server.asked == []


@pytest.mark.parametrize(
    "word", [("--yes",), ("--judge-price", "0 CNY"), ("--judge-price", "2/10 CNY", "--budget", "9 CNY")]
)
def test_who_agreed_or_pays_nothing_is_judged_and_sees_how_far_it_is(
    run: Callable[..., Any], server: Server, word: tuple[str, ...]
) -> None:
    done = run(
        "tiny.toml", "previz", "-k", "1", "--judge", "seer-1", "--judge-url", server.url, *word, "--json"
    )
    assert done.code == 0, done.err
    assert len(server.asked) == 2
    assert "2 of 2 questions answered" in done.err
    assert "writing the report of 2 takes" in done.err
    assert "2 of 2 takes in the report" in done.err
    assert done.json["judge"]["tokens"] == {"sent": 1800, "received": 200}


def test_an_address_is_an_address() -> None:
    with pytest.raises(ConfigError, match="http"):
        Endpoint.at("seer-1", "m", None)
    assert Endpoint.at("https://host/v1/chat/completions", "m", None).url == "https://host/v1"


# --- may it decide? -------------------------------------------------------------------------------------------------


def test_kappa_is_agreement_beyond_chance() -> None:
    assert kappa([(True, True)] * 5 + [(False, False)] * 5) == pytest.approx(1.0)
    assert kappa([(True, True), (True, False), (False, True), (False, False)]) == pytest.approx(0.0)
    # Cohen's example of two readers: 20 and 15 agreed of 50, marginals 25/25 and 30/20: 0.4
    example = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert kappa(example) == pytest.approx(0.4)
    assert kappa([]) is None
    assert kappa([(True, True)] * 9) is None  # one who always says yes agrees with everybody


def judged(defects: list[bool]) -> tuple[Judgement, list[TakeId]]:
    ids = [TakeId(f"s{n}", "r", 1) for n in range(len(defects))]
    answers = {i: (Answer("q", d, None, "seen"),) for i, d in zip(ids, defects, strict=True)}
    return Judgement("m", answers), ids


def test_a_judge_decides_only_where_its_agreement_was_shown() -> None:
    found, ids = judged([False, True] * 15)
    people = {i: (not found.defects(i), "") for i in ids[:ENOUGH]}
    assert found.decides(people)
    assert found.deciding(people)[ids[-1]] == (False, "q (seen)")
    few = {i: people[i] for i in ids[: ENOUGH - 1]}
    assert not found.decides(few)
    crossed = {i: (n % 3 == 0, "") for n, i in enumerate(ids)}
    assert not found.decides(crossed)
    assert found.deciding(crossed) == {}


def test_a_judgement_is_a_record() -> None:
    found, ids = judged([True, False])
    found = replace(found, failures={ids[0]: "no"}, wins={"r": (1, 2)}, cost=Money("1 CNY"))
    assert judgement_of(json.loads(json.dumps(found.to_json({})))) == found


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -1, 10**400, True, "1.0", None])
def test_a_time_that_is_none_in_a_clip_is_left_out(time: object) -> None:
    document = {"answers": [{"id": "hands", "defect": True, "time": time}]}
    (answer,) = _answers(document, {"hands": "extra fingers"})
    assert (answer.defect, answer.at) == (True, None)
