"""Hailuo, the H3 family: what is sent, what is read, and the traps of MiniMax's second generation."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from httpx import Request, Response
from hypothesis import given
from hypothesis import strategies as st

from dramagen.adapters.base import Adapter, Attempt, Delivery, Notice, Ticket, Unsure
from dramagen.adapters.hailuo import MinimaxAdapter
from dramagen.adapters.hailuo_find import MOST_PAGES, PAGE
from dramagen.catalog.order import Input, Mode, Order, OrderReference
from dramagen.catalog.route import Route
from dramagen.errors import (
    AuthError,
    ConcurrencyLimited,
    ContentRejected,
    DramagenError,
    InsufficientBalance,
    InvalidShot,
    JobExpired,
    JobFailed,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
)
from dramagen.shot import MOVES, Camera, Cut, Line
from dramagen.testing import AdapterContract, Golden, Heard, Refusal, Report, Respond, drive, in_turn

TASKS, QUERY = "/v2/video_generation", "/v2/query/video_generation"
CN = Route(provider="hailuo", region="cn", model="minimax-h3")
ID = "424010985739001"
CREATED = 1_795_348_800

PICTURE = Input(sha256="a" * 64, media_type="image/png", size=3, width=720, height=1280)
OTHER = Input(sha256="b" * 64, media_type="IMAGE/JPG", size=3, width=720, height=1280)
SOUND = Input(sha256="c" * 64, media_type="audio/mpeg", size=3)
FILM = Input(sha256="d" * 64, media_type="video/mp4", size=3, duration=3.0)
MOVIE = Input(sha256="e" * 64, media_type="video/mp4", size=16, duration=3.0)
BYTES = {
    PICTURE.sha256: b"png",
    OTHER.sha256: b"jpg",
    SOUND.sha256: b"mp3",
    FILM.sha256: b"mp4",
    MOVIE.sha256: b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00",
}
PNG, JPG = "data:image/png;base64,cG5n", "data:image/jpeg;base64,anBn"
MP3, MP4 = "data:audio/mp3;base64,bXAz", "data:video/mp4;base64,bXA0"
ATTEMPT = Attempt(tag="k3v9x2m7q1z8b4n6c5l0d9f8", created=CREATED - 2, sent_until=CREATED + 20, inputs=BYTES)


def order(mode: Mode = "text", **changes: Any) -> Order:
    fields: dict[str, Any] = {
        "route": CN,
        "wire": {"protocol": "v2", "model": "MiniMax-H3"},
        "mode": mode,
        "prompt": "雨夜，女主推门而入",
        "duration": Decimal(5),
        "resolution": "768p",
        "aspect_ratio": "9:16",
        "audio": True,
    }
    return Order(**(fields | changes))


def body_of(order_: Order, attempt: Attempt = ATTEMPT) -> dict[str, Any]:
    heard = Heard(in_turn(Response(200, json={"task_id": ID})))
    drive(MinimaxAdapter().submit(order_, attempt), heard)
    (request,) = heard.requests
    body: dict[str, Any] = json.loads(request.content)
    return body


def task(**fields: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "model": "MiniMax-H3",
        "status": "running",
        "created_at": CREATED,
        "updated_at": CREATED + 30,
        "resolution": "768P",
        "duration": 5,
        "usage": {},
        "ratio": "9:16",
        "task_type": "generation",
        "modality": "video",
    } | fields


DONE = task(
    status="succeeded",
    content={"url": "https://video.example.invalid/o.mp4?sig=sesame"},
    usage={"total_seconds": 5, "input_seconds": 0, "output_seconds": 5, "input_image_count": 0},
)


def shown(**fields: Any) -> Respond:
    return lambda _: Response(200, json={"task": task(**fields)})


def error(status: int, kind: str, message: str) -> Response:
    told = {"type": kind, "message": message, "http_code": str(status)}
    return Response(status, json={"type": "error", "error": told, "request_id": "r-1"})


GONE = error(400, "bad_request_error", "invalid task_id (2013)")


def ticket(id_: str = ID) -> Ticket:
    return Ticket(id=id_, route=CN, data={"protocol": "v2"})


def listed(*tasks: Mapping[str, Any], total: int | None = None) -> Response:
    return Response(200, json={"items": list(tasks), "total": len(tasks) if total is None else total})


def looked(*pages: Response, order_: Order | None = None, attempt: Attempt = ATTEMPT) -> Any:
    return drive(MinimaxAdapter().find(order_ or order(), attempt), in_turn(*pages))


class TestContract(AdapterContract):
    def adapter(self) -> Adapter:
        return MinimaxAdapter()

    def goldens(self) -> Mapping[str, Golden]:
        def golden(order_: Order, attempt: Attempt = ATTEMPT, **body: Any) -> Golden:
            return Golden(
                order=order_,
                attempt=attempt,
                path=TASKS,
                body={"model": "MiniMax-H3", "resolution": "768P", "duration": 5} | body,
                accept=lambda _: Response(200, json={"task_id": ID}),
                id=ID,
            )

        people = (
            OrderReference(name="林夏", images=(PICTURE, OTHER), voice=SOUND),
            OrderReference(name="天台", images=(PICTURE,), kind="scene"),
            OrderReference(name="舞步", video=FILM, kind="prop"),
        )
        return {
            "text": golden(
                order(camera=Camera("push_in", "slow"), dialogue=(Line("她", "你终于来了。"),)),
                content=[
                    {
                        "type": "text",
                        "text": "雨夜，女主推门而入。镜头缓慢向前推进。"
                        "她 (S1)说：<d>[Chinese] 你终于来了。</d>。",
                    }
                ],
                ratio="9:16",
            ),
            "first and last frame": golden(
                order(
                    "first_last_frame",
                    first_frame=PICTURE,
                    last_frame=OTHER,
                    aspect_ratio=None,
                    duration=Decimal(8),
                ),
                Attempt(
                    tag="t" * 24, created=0.0, inputs=BYTES, callback_url="https://app.example.invalid/cb"
                ),
                content=[
                    {"type": "text", "text": "雨夜，女主推门而入。"},
                    {"type": "image_url", "image_url": {"url": PNG}, "role": "first_frame"},
                    {"type": "image_url", "image_url": {"url": JPG}, "role": "last_frame"},
                ],
                duration=8,
                ratio="adaptive",
                callback_url="https://app.example.invalid/cb",
            ),
            "first frame, 2K": golden(
                order("first_frame", first_frame=PICTURE, aspect_ratio=None, resolution="2k"),
                content=[
                    {"type": "text", "text": "雨夜，女主推门而入。"},
                    {"type": "image_url", "image_url": {"url": PNG}, "role": "first_frame"},
                ],
                resolution="2K",
                ratio="adaptive",
            ),
            "references": golden(
                order(
                    "references",
                    wire={"protocol": "v2", "model": "MiniMax-H3-Max"},
                    prompt="@林夏 走上 @天台",
                    references=people,
                    options={"extra": {"prompt_expansion_mode": "disabled"}},
                ),
                model="MiniMax-H3-Max",
                content=[
                    {
                        "type": "text",
                        "text": "参考图片1、参考图片2是林夏。林夏的音色参照参考音频1。参考图片3是天台。"
                        "参考视频1是舞步，要出现在画面里。林夏 走上 天台。",
                    },
                    {"type": "image_url", "image_url": {"url": PNG}, "role": "reference_image"},
                    {"type": "image_url", "image_url": {"url": JPG}, "role": "reference_image"},
                    {"type": "audio_url", "audio_url": {"url": MP3}, "role": "reference_audio"},
                    {"type": "image_url", "image_url": {"url": PNG}, "role": "reference_image"},
                    {"type": "video_url", "video_url": {"url": MP4}, "role": "reference_video"},
                ],
                ratio="9:16",
                extra={"prompt_expansion_mode": "disabled"},
            ),
        }

    def refusals(self) -> Mapping[str, Refusal]:
        def row(
            status: int, kind: str, message: str, error_: type[DramagenError], retryable: bool, **also: Any
        ) -> Refusal:
            refused = status < 500
            return Refusal(
                answer=error(status, kind, message),
                error=error_,
                retryable=retryable,
                refused=refused,
                billed=False if refused else None,
                also={"request_id": "r-1", "vendor_message": message, "provider": "hailuo"} | also,
            )

        bad, limit, down = "bad_request_error", "rate_limit_error", "server_error"
        return {
            "400": row(400, bad, "invalid params, ratio (2013)", InvalidShot, False, code="2013"),
            "400 invisible": row(400, bad, "too many invisible characters (1042)", InvalidShot, False),
            "400 without a number": row(400, bad, "invalid params", InvalidShot, False, code=bad),
            "401": row(401, "authorized_error", "login fail (1004)", AuthError, False),
            "401 wrong region": row(401, "authorized_error", "invalid api key (2049)", AuthError, False),
            "401 without a number": row(401, "authorized_error", "no", AuthError, False),
            "402": row(
                402, "insufficient_balance_error", "insufficient balance (1008)", InsufficientBalance, False
            ),
            "402 plan": row(402, "insufficient_balance_error", "window (2056)", QuotaExhausted, False),
            "422": row(
                422, "unprocessable_entity_error", "sensitive (1026)", ContentRejected, False, stage="input"
            ),
            "422 without a number": row(
                422, "unprocessable_entity_error", "no", ContentRejected, False, stage="input"
            ),
            "429": row(429, limit, "rate limit, please retry later (1002)", RateLimited, True),
            "429 tokens": row(429, limit, "tpm (1039)", RateLimited, True),
            "429 concurrency": row(429, limit, "in flight (1041)", ConcurrencyLimited, True),
            "500": row(500, down, "internal (1000)", ProviderUnavailable, True),
            "529": row(529, "overloaded_error", "overloaded", ProviderUnavailable, True),
            "500 with a refusal's number": row(500, down, "no (1002)", ProviderUnavailable, True),
            "404 in words nobody knows": row(404, "not_found_error", "no", InvalidShot, False),
            "408": Refusal(
                answer=error(408, "timeout_error", "timeout"),
                error=ProviderUnavailable,
                retryable=True,
                refused=False,
                billed=None,
            ),
            "somebody else's words": Refusal(
                answer=Response(404, json={"error": {"message": "no route"}}),
                error=ProviderUnavailable,
                retryable=True,
                refused=False,
                billed=None,
            ),
            "the first generation's words": Refusal(
                answer=Response(200, json={"base_resp": {"status_code": 1008, "status_msg": "no"}}),
                error=InsufficientBalance,
                retryable=False,
                refused=True,
            ),
        }

    def reports(self) -> Mapping[str, Report]:
        def failed(code: Any, error_: type[DramagenError]) -> Report:
            return Report(
                answer=shown(status="failed", error={"code": code, "message": "no"}),
                state="failed",
                error=error_,
            )

        return {
            "running": Report(answer=shown(), state="running"),
            "queued": Report(answer=shown(status="queued"), state="queued"),
            "done": Report(answer=lambda _: Response(200, json={"task": DONE}), state="succeeded"),
            "moderated going in": failed("1026", ContentRejected),
            "moderated coming out": failed("1027", ContentRejected),
            "failed inside": failed("1000", JobFailed),
            "failed for a number nobody knows": failed(4711, JobFailed),
            "failed without a word": Report(answer=shown(status="failed"), state="failed", error=JobFailed),
            "cancelled": Report(answer=shown(status="cancelled"), state="canceled", error=JobFailed),
            "expired": Report(answer=shown(status="expired"), state="expired", error=JobExpired, billed=None),
            "after seven days": Report(answer=lambda _: GONE, state="missing", error=JobExpired, billed=None),
        }

    def unknown_status(self) -> Respond:
        return shown(status="pondering")

    def deliveries(self) -> Respond:
        return lambda _: Response(200, json={"task": DONE})

    def gone(self) -> Respond:
        return lambda _: GONE

    def canceled(self) -> Mapping[bool, Respond]:
        def worked(request: Request) -> Response:
            if request.method == "GET":
                return Response(200, json={"task": task(status="queued")})
            return Response(200, json={"task_id": ID, "action": "cancelled", "status": "cancelled"})

        return {True: worked, False: shown(status="running")}

    def lost(self) -> Respond:
        return lambda _: listed(task(created_at=CREATED), task(id="7", created_at=CREATED - 900))

    def unsendable(self) -> Any:
        references = (OrderReference(name="a", images=(PICTURE,)),)
        voice = (OrderReference(name="a", voice=SOUND),)
        odd = Input(sha256="a" * 64, media_type="image/tiff", size=3)
        return [
            (order(duration=Decimal("5.5")), ATTEMPT),
            (order(audio=False), ATTEMPT),
            (order(seed=7), ATTEMPT),
            (order(negative_prompt="文字"), ATTEMPT),
            (order(aspect_ratio=None), ATTEMPT),
            (order("first_last_frame", last_frame=PICTURE), ATTEMPT),
            (order("references", references=references, first_frame=PICTURE), ATTEMPT),
            (order("references", references=voice), ATTEMPT),
            (order("first_frame", first_frame=odd, aspect_ratio=None), ATTEMPT),
            (order(dialogue=(Line("她", "好", voice="v1"),)), ATTEMPT),
            (order(options={"ratio": "1:1"}), ATTEMPT),
            (order(options={"content": []}), ATTEMPT),
            (order("first_frame", first_frame=PICTURE, aspect_ratio=None), Attempt(tag="t", created=0.0)),
        ]

    def callback(self) -> Any:
        body = json.dumps({"task": DONE}).encode()
        return Delivery(headers={"content-type": "application/json"}, body=body), [ID]


def test_a_film_that_is_a_mov_says_so() -> None:
    """Both begin with the same box, so the media type of the order cannot tell them apart."""
    film = (OrderReference(name="舞步", video=MOVIE),)
    (_, item) = body_of(order("references", references=film))["content"]
    assert item["video_url"]["url"].startswith("data:video/mov;base64,")


# Cancelling


@pytest.mark.parametrize("state", ["running", "succeeded", "failed", "expired", "pondering"])
def test_only_a_queued_task_is_deleted(state: str) -> None:
    """DELETE throws the record of a finished task away, and with it the clip that was paid for."""
    heard = Heard(shown(status=state))
    assert drive(MinimaxAdapter().cancel(ticket()), heard) is False
    assert [request.method for request in heard.requests] == ["GET"]


def test_a_record_that_was_thrown_away_was_not_cancelled() -> None:
    answers = in_turn(
        Response(200, json={"task": task(status="queued")}),
        Response(200, json={"task_id": ID, "action": "deleted", "status": "succeeded"}),
    )
    assert drive(MinimaxAdapter().cancel(ticket()), answers) is False


# Delivery


def test_a_running_task_has_no_file_yet() -> None:
    with pytest.raises(ProviderUnavailable):
        drive(MinimaxAdapter().deliver(ticket()), shown())


@pytest.mark.parametrize("url", [None, 7, "", "ftp://x.invalid/y", "https://", "not a url"])
def test_a_link_that_is_none_is_not_followed(url: Any) -> None:
    with pytest.raises(ProviderUnavailable):
        drive(MinimaxAdapter().deliver(ticket()), shown(status="succeeded", content={"url": url}))


def test_another_tasks_answer_is_not_believed() -> None:
    with pytest.raises(ProviderUnavailable):
        drive(MinimaxAdapter().poll([ticket()]), shown(id="999", status="failed"))


def test_a_plain_404_says_nothing_about_a_job() -> None:
    with pytest.raises(ProviderUnavailable):
        drive(MinimaxAdapter().poll([ticket()]), lambda _: Response(404, text="404 page not found"))


def test_one_job_told_of_is_enough() -> None:
    other = ticket("5")

    def respond(request: Request) -> Response:
        return Response(200, json={"task": task()}) if ID in request.url.path else Response(503)

    told = drive(MinimaxAdapter().poll([other, ticket()]), respond)
    assert list(told) == [ID]


# Lost creates


def test_the_list_is_asked_for_the_model_page_by_page() -> None:
    first = [task(id=str(n), created_at=CREATED + 5, duration=9) for n in range(PAGE)]
    heard = Heard(in_turn(listed(*first, total=PAGE + 1), listed(task(), total=PAGE + 1)))
    assert drive(MinimaxAdapter().find(order(), ATTEMPT), heard) == ticket()
    assert [str(request.url) for request in heard.requests] == [
        f"{QUERY}?page_num={n}&page_size=50&filter.model=MiniMax-H3" for n in (1, 2)
    ]


def test_reading_stops_where_the_list_is_older_than_the_window() -> None:
    older = [task(id=str(n), created_at=CREATED - 1000 - n) for n in range(PAGE - 1)]
    assert looked(listed(task(), *older, total=9_999)) == ticket()


def test_a_list_of_unknown_order_is_read_to_its_end() -> None:
    mixed = [task(id="5", created_at=CREATED - 1000), task(id="6", created_at=CREATED + 500)]
    assert looked(listed(*mixed, total=3), listed(task(), total=3)) == ticket()


@pytest.mark.parametrize(
    "changed",
    [
        {"created_at": CREATED - 100},
        {"created_at": CREATED + 100},
        {"created_at": None},
        {"duration": 6},
        {"resolution": "2K"},
        {"ratio": "16:9"},
        {"model": "MiniMax-H3-Lite"},
    ],
)
def test_a_task_that_differs_is_somebody_elses(changed: dict[str, Any]) -> None:
    found = looked(listed(task(**changed)))
    assert isinstance(found, Unsure)
    assert "proves nothing" in found.why


def test_two_alike_are_not_told_apart() -> None:
    found = looked(listed(task(), task(id="8", created_at=CREATED + 3)))
    assert isinstance(found, Unsure)
    assert ID in found.why


def test_a_followed_frame_may_show_any_ratio() -> None:
    framed = order("first_frame", first_frame=PICTURE, aspect_ratio=None)
    for ratio in ("9:16", "adaptive", "3:4", None):
        assert looked(listed(task(ratio=ratio)), order_=framed) == ticket()


def test_a_list_that_hides_tasks_settles_nothing() -> None:
    assert isinstance(looked(listed(task(), total=5), listed(total=5)), Unsure)
    assert isinstance(looked(Response(200, json={"items": [task()]})), Unsure)


def test_a_list_without_end_settles_nothing() -> None:
    pages = (
        listed(*[task(id=f"{p}-{n}", created_at=CREATED + 5) for n in range(PAGE)], total=10**6)
        for p in range(MOST_PAGES)
    )
    assert isinstance(looked(*pages), Unsure)


# Callbacks, probe, key


def test_the_handshake_of_a_callback_speaks_of_no_task() -> None:
    told = MinimaxAdapter().receive(Delivery(headers={}, body=b'{"challenge": "abc"}'), {}, KEY, 0.0)
    assert told == Notice(answer={"challenge": "abc"})


def test_the_probe_asks_for_the_balance() -> None:
    page = {"available_amount": "42.50", "base_resp": {"status_code": 0, "status_msg": "success"}}
    heard = Heard(lambda _: Response(200, json=page))
    account = drive(MinimaxAdapter().probe(), heard)
    assert (account.valid, account.left) == (True, Decimal("42.50"))
    assert heard.requests[0].url.path == "/account/query_balance"
    refused = {"base_resp": {"status_code": 2049, "status_msg": "invalid api key"}}
    assert isinstance(drive(MinimaxAdapter().probe(), lambda _: Response(200, json=refused)).error, AuthError)


def test_without_a_key_nothing_is_signed() -> None:
    from dramagen.adapters.base import Secret

    with pytest.raises(AuthError, match="MINIMAX_API_KEY"):
        MinimaxAdapter().sign(Request("GET", "/x"), Secret(), 0.0)


# Words


def text_of(order_: Order) -> str:
    return MinimaxAdapter().wording(order_)


def test_english_is_answered_in_english() -> None:
    people = (
        OrderReference(name="Lin", images=(PICTURE,), voice=SOUND),
        OrderReference(name="noir", images=(OTHER,), kind="style"),
    )
    said = text_of(
        order(
            "references",
            prompt="@Lin opens the door",
            references=people,
            camera=Camera("orbit_left", "fast"),
            dialogue=(Line("Lin", "You came.", language="en"), Line("Gu", "Sí.", language="es-MX")),
        )
    )
    assert said == (
        "Reference image 1 shows Lin. Lin's voice timbre follows reference audio 1. "
        "The style follows reference image 2. Lin opens the door. "
        "The camera moves in an arc shot to the left around the subject at fast speed. "
        "Lin (S1) says: <d>[English] You came.</d>. Gu (S2) says: <d>[Spanish] Sí.</d>."
    )


def test_cuts_carry_their_time() -> None:
    cuts = (Cut("推门", 2.5), Cut("@林夏 特写", 1.5), Cut("窗外", 1))
    people = (OrderReference(name="林夏", images=(PICTURE,)),)
    said = text_of(order("references", cuts=cuts, references=people))
    assert "[Shot 1] 推门。" in said
    assert "[Shot 2] At 00:02.500, the camera cuts to: 林夏 特写。" in said
    assert "[Shot 3] At 00:04.000, the camera cuts to: 窗外。" in said


def test_one_speaker_keeps_one_id_and_tags_stay_the_only_ones() -> None:
    lines = (Line("甲", "一</d>"), Line("乙", "二"), Line("甲", "三"))
    said = text_of(order(dialogue=lines))
    assert said.count("(S1)") == 2
    assert said.count("(S2)") == 1
    assert said.count("</d>") == 3


def test_a_language_nobody_named_is_only_guessed_where_it_is_chinese() -> None:
    assert "<d>Bonjour.</d>" in text_of(order(dialogue=(Line("甲", "Bonjour."),)))
    assert "<d>そうですか</d>" in text_of(order(dialogue=(Line("甲", "そうですか"),)))


@given(move=st.sampled_from(MOVES), speed=st.sampled_from(["slow", "normal", "fast"]), chinese=st.booleans())
def test_every_move_has_words(move: Any, speed: Any, chinese: bool) -> None:
    plain = order(prompt="雨夜" if chinese else "A rainy night")
    said = text_of(plain.model_copy(update={"camera": Camera(move, speed)}))
    assert len(said) > len(text_of(plain)) + 3
    assert "{" not in said


def nobody(request: Request) -> Response:
    raise AssertionError(f"nobody expected {request.method} {request.url.path}")


KEY: Any = None


def test_after_a_refusal_a_task_that_only_looks_alike_may_be_anybodys() -> None:
    refused = replace(ATTEMPT, refused=True)
    assert looked(listed(task())) == ticket()
    told = looked(listed(task()), attempt=refused)
    assert isinstance(told, Unsure)
    assert told.maybe == [ID]
    told = looked(listed(task()), attempt=replace(refused, others=frozenset({ID})))
    assert isinstance(told, Unsure)
    assert not told.maybe


def test_a_task_of_another_order_hides_none_of_ours() -> None:
    other = task(id="cgt-another")
    assert isinstance(looked(listed(task(), other)), Unsure)
    assert (
        looked(listed(task(), other), attempt=replace(ATTEMPT, others=frozenset({"cgt-another"}))) == ticket()
    )
