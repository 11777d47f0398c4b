"""Kling's current API: what is sent, and what every answer is read as."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

import pytest
from httpx import Request, Response
from hypothesis import given
from hypothesis import strategies as st

from dramagen.adapters.base import (
    PAID,
    TERMINAL,
    Absent,
    Account,
    Attempt,
    Delivery,
    Flow,
    Secret,
    Status,
    Ticket,
    Unsure,
    Usage,
)
from dramagen.adapters.kling import KlingAdapter
from dramagen.adapters.kling_token import token
from dramagen.adapters.kling_words import reference_ids, wording
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
    RateLimited,
)
from dramagen.money import Money
from dramagen.shot import MOVES, Camera, Cut, Line, Move
from dramagen.testing import AdapterContract, Golden, Heard, Refusal, Report, Respond, always, drive, in_turn

TAG = "k3v9x0q2m8c5t7w1z4b6n0ab"
FIRST, LAST, FACE, SIDE = b"first frame", b"last frame", b"a face", b"a profile"
SHA = {content: hashlib.sha256(content).hexdigest() for content in (FIRST, LAST, FACE, SIDE)}
ATTEMPT = Attempt(
    tag=TAG,
    created=1_795_000_000.25,
    sent_until=1_795_000_003.5,
    inputs={sha: content for content, sha in SHA.items()},
)
JOB = "920000000000000001"
NO_WATERMARK = {"watermark_info": {"enabled": False}}


def route(model: str) -> Route:
    return Route(provider="kling", region="cn", model=model)


def image(content: bytes) -> Input:
    return Input(sha256=SHA[content], media_type="image/png", size=len(content), width=720, height=1280)


def raw(content: bytes) -> str:
    return base64.b64encode(content).decode()


def order(
    model: str = "kling-3.0", mode: Mode = "text", wire: Mapping[str, Any] | None = None, **given: Any
) -> Order:
    fields: dict[str, Any] = {
        "prompt": "雨夜,女主推门而入",
        "duration": Decimal(5),
        "resolution": "1080p",
        "aspect_ratio": "9:16" if mode in ("text", "references") else None,
        "audio": False,
    }
    return Order(
        route=route(model),
        mode=mode,
        wire={"model": model, "protocol": "new"} | dict(wire or {}),
        **(fields | given),
    )


def answer(data: Any, code: int = 0, status: int = 200) -> Response:
    return Response(status, json={"code": code, "message": "SUCCEED", "request_id": "0b6e-1", "data": data})


def created(job: str = JOB) -> Response:
    return answer(
        {"id": job, "status": "submitted", "create_time": 1_795_000_000_000, "update_time": 1_795_000_000_000,
         "external_id": TAG}
    )  # fmt: skip


def task(status: str = "processing", **more: Any) -> dict[str, Any]:
    return {
        "id": JOB, "status": status, "message": "", "create_time": 1_795_000_000_000,
        "update_time": 1_795_000_085_000, "external_id": TAG, "outputs": [], "billing": [],
    } | more  # fmt: skip


VIDEO = {
    "type": "video", "id": "920000000000000777", "url": "https://cdn.example/x.mp4?sig=0123", "watermark_url": "",
    "duration": "5.04",
}  # fmt: skip
COVER = {"type": "image", "url": "https://cdn.example/cover.png", "watermark_url": "", "group_id": "1"}


def body_of(asked: Order, attempt: Attempt = ATTEMPT) -> dict[str, Any]:
    heard = Heard(lambda _: created())
    drive(KlingAdapter().submit(asked, attempt), heard)
    body: dict[str, Any] = json.loads(heard.requests[-1].content)
    return body


def polled(*tasks: Any) -> Status:
    told = drive(KlingAdapter().poll([ticket()]), lambda _: answer(list(tasks)))
    return told[JOB]


def ticket(job: str = JOB, model: str = "kling-3.0") -> Ticket:
    return Ticket(id=job, route=route(model), data={"protocol": "new"})


def golden(asked: Order, path: str, body: Mapping[str, Any], attempt: Attempt = ATTEMPT) -> Golden:
    return Golden(order=asked, attempt=attempt, path=path, body=body, accept=lambda _: created(), id=JOB)


REFUSED: Mapping[int, tuple[int, type[DramagenError], bool]] = {
    1000: (401, AuthError, False),
    1001: (401, AuthError, False),
    1002: (401, AuthError, False),
    1003: (401, AuthError, True),
    1004: (401, AuthError, True),
    1100: (429, AuthError, False),
    1101: (429, InsufficientBalance, False),
    1102: (429, InsufficientBalance, False),
    1103: (403, AuthError, False),
    1200: (400, InvalidShot, False),
    1201: (400, InvalidShot, False),
    1202: (404, InvalidShot, False),
    1203: (404, InvalidShot, False),
    1300: (400, ContentRejected, False),
    1301: (400, ContentRejected, False),
    1302: (429, RateLimited, True),
    1303: (429, ConcurrencyLimited, True),
    1304: (429, AuthError, False),
}
"""The vendor's error table: by code, the HTTP status it comes with, and what it must become."""


def error_answer(code: int, status: int, message: str = "words") -> Response:
    return Response(status, json={"code": code, "message": message, "request_id": "9984"})


class TestKlingContract(AdapterContract):
    def adapter(self) -> KlingAdapter:
        return KlingAdapter()

    def goldens(self) -> Mapping[str, Golden]:
        lin = OrderReference(name="林夏", images=(image(FACE), image(SIDE)))
        gu = OrderReference(name="gu", images=(image(LAST),))
        called = Attempt(tag=TAG, created=1.0, callback_url="https://hook.example/k", inputs=ATTEMPT.inputs)
        tagged = NO_WATERMARK | {"external_task_id": TAG}
        return {
            "text": golden(
                order(camera=Camera("push_in", speed="slow")),
                "/text-to-video/kling-3.0",
                {
                    "prompt": "雨夜,女主推门而入。镜头缓慢向前推近。",
                    "settings": {
                        "resolution": "1080p",
                        "duration": 5,
                        "multi_shot": False,
                        "audio": "off",
                        "aspect_ratio": "9:16",
                    },
                    "options": tagged,
                },
            ),
            "text turbo": golden(
                order("kling-3.0-turbo", audio=True, resolution="720p"),
                "/text-to-video/kling-3.0-turbo",
                {
                    "prompt": "雨夜,女主推门而入。",
                    "settings": {"resolution": "720p", "duration": 5, "aspect_ratio": "9:16"},
                    "options": tagged,
                },
            ),
            "first frame": golden(
                order(mode="first_frame", first_frame=image(FIRST), audio=True, aspect_ratio="9:16"),
                "/image-to-video/kling-3.0",
                {
                    "contents": [
                        {"type": "prompt", "text": "雨夜,女主推门而入。"},
                        {"type": "first_frame", "url": raw(FIRST)},
                    ],
                    "settings": {
                        "resolution": "1080p",
                        "duration": 5,
                        "multi_shot": False,
                        "audio": "native",
                    },
                    "options": tagged,
                },
            ),
            "first and last frame, elements": golden(
                order(
                    "kling-3.0",
                    "first_last_frame",
                    prompt="@lin looks up at @mo",
                    first_frame=image(FIRST),
                    last_frame=image(LAST),
                    resolution="720p",
                    duration=Decimal(8),
                    options={
                        "contents": [
                            {"type": "element", "element_id": "172", "id": "lin"},
                            {"type": "element", "element_id": "173", "id": "mo"},
                        ]
                    },
                ),
                "/image-to-video/kling-3.0",
                {
                    "contents": [
                        {"type": "prompt", "text": "@lin looks up at @mo."},
                        {"type": "first_frame", "url": raw(FIRST)},
                        {"type": "last_frame", "url": raw(LAST)},
                        {"type": "element", "element_id": "172", "id": "lin"},
                        {"type": "element", "element_id": "173", "id": "mo"},
                    ],
                    "settings": {"resolution": "720p", "duration": 8, "multi_shot": False, "audio": "off"},
                    "options": tagged | {"callback_url": "https://hook.example/k"},
                },
                called,
            ),
            "references": golden(
                order(
                    "kling-3.0-omni",
                    "references",
                    prompt="@林夏推开门，看见@gu。",
                    references=(lin, gu),
                    audio=True,
                    dialogue=(Line("林夏", "你怎么来了?"),),
                ),
                "/omni-video/kling-3.0-omni",
                {
                    "contents": [
                        {
                            "type": "prompt",
                            "text": '@image_1 推开门，看见@image_3。@image_1 说："你怎么来了?"'
                            "@image_2 与 @image_1 是同一个。",
                        },
                        {"type": "refer_image", "url": raw(FACE), "id": "image_1"},
                        {"type": "refer_image", "url": raw(SIDE), "id": "image_2"},
                        {"type": "refer_image", "url": raw(LAST), "id": "image_3"},
                    ],
                    "settings": {
                        "resolution": "1080p",
                        "duration": 5,
                        "multi_shot": False,
                        "audio": "native",
                        "aspect_ratio": "9:16",
                    },
                    "options": tagged,
                },
            ),
            "cuts": golden(
                order(
                    prompt="雨夜街头",
                    cuts=(Cut("女主推门；回头", 2), Cut("特写:她的眼睛", 3)),
                    dialogue=(Line("女主", "是你"),),
                    audio=True,
                ),
                "/text-to-video/kling-3.0",
                {
                    "prompt": '镜头 1, 2, 雨夜街头。女主推门，回头。女主说："是你"; 镜头 2, 3, 特写:她的眼睛。;',
                    "settings": {
                        "resolution": "1080p",
                        "duration": 5,
                        "multi_shot": True,
                        "audio": "native",
                        "aspect_ratio": "9:16",
                    },
                    "options": tagged,
                },
            ),
            "omni O1 has no multi_shot": golden(
                order("kling-o1", "references", references=(gu,), prompt="@gu walks"),
                "/omni-video/kling-o1",
                {
                    "contents": [
                        {"type": "prompt", "text": "@image_1 walks."},
                        {"type": "refer_image", "url": raw(LAST), "id": "image_1"},
                    ],
                    "settings": {
                        "resolution": "1080p",
                        "duration": 5,
                        "audio": "off",
                        "aspect_ratio": "9:16",
                    },
                    "options": tagged,
                },
            ),
            "chosen voice": golden(
                order(
                    "kling-2.6",
                    "first_frame",
                    prompt="She turns",
                    first_frame=image(FIRST),
                    audio=True,
                    dialogue=(Line("She", "Wait.", voice="829"),),
                ),
                "/image-to-video/kling-2.6",
                {
                    "contents": [
                        {"type": "prompt", "text": 'She turns. She @voice_1 says: "Wait."'},
                        {"type": "first_frame", "url": raw(FIRST)},
                        {"type": "voice", "voice_id": "829", "id": "voice_1"},
                    ],
                    "settings": {"resolution": "1080p", "duration": 5, "audio": "native"},
                    "options": tagged,
                },
            ),
            "silent 2.5": golden(
                order("kling-2.5-turbo", negative_prompt="文字"),
                "/text-to-video/kling-2.5-turbo",
                {
                    "prompt": "雨夜,女主推门而入。不要出现：文字。",
                    "settings": {"resolution": "1080p", "duration": 5, "aspect_ratio": "9:16"},
                    "options": tagged,
                },
            ),
            "4.0 is told no tag and no callback": golden(
                order("kling-4.0", wire={"external_id": "unknown"}, audio=True, duration=Decimal(20)),
                "/text-to-video/kling-4.0",
                {
                    "prompt": "雨夜,女主推门而入。",
                    "settings": {"resolution": "1080p", "duration": 20, "aspect_ratio": "9:16"},
                    "options": NO_WATERMARK,
                },
                called,
            ),
        }

    def refusals(self) -> Mapping[str, Refusal]:
        table = {
            str(code): Refusal(
                answer=error_answer(code, status),
                error=kind,
                retryable=retryable,
                refused=True,
                also={"code": str(code), "request_id": "9984", "vendor_message": "words"}
                | ({"stage": "input"} if kind is ContentRejected else {}),
            )
            for code, (status, kind, retryable) in REFUSED.items()
        }
        for code, status in ((5000, 500), (5001, 503), (5002, 504)):
            table[str(code)] = Refusal(
                answer=error_answer(code, status),
                error=ProviderUnavailable,
                retryable=True,
                refused=False,
                billed=None,
            )
        return table | {
            "inside HTTP 200": Refusal(
                answer=error_answer(1303, 200), error=ConcurrencyLimited, retryable=True, refused=True
            ),
            "1303 in a 5xx is not trusted": Refusal(
                answer=error_answer(1303, 502),
                error=ConcurrencyLimited,
                retryable=True,
                refused=False,
                billed=None,
            ),
            "an unknown code": Refusal(
                answer=error_answer(1999, 400),
                error=ProviderUnavailable,
                retryable=True,
                refused=False,
                billed=None,
            ),
        }

    def reports(self) -> Mapping[str, Report]:
        def told(**fields: Any) -> Respond:
            return lambda _: answer([task(**fields)])

        units = [{"charge_type": "unit", "amount": "4", "package_type": "video"}]
        cash = [
            {"charge_type": "cash", "amount": "4.00", "cash_type": "balance", "currency": "CNY", "list_price": "4"}
        ]  # fmt: skip
        return {
            "queued": Report(answer=told(status="submitted"), state="queued"),
            "running": Report(answer=told(), state="running"),
            "succeeded": Report(
                answer=told(status="succeeded", outputs=[VIDEO], billing=units),
                state="succeeded",
                usage=Usage(units=Decimal(4)),
            ),
            "the other spelling": Report(answer=told(status="succeed"), state="succeeded"),
            "paid in cash": Report(
                answer=told(status="succeeded", billing=cash),
                state="succeeded",
                usage=Usage(charged=Money("4 CNY")),
            ),
            "failed": Report(
                answer=told(status="failed", message="model error"), state="failed", error=JobFailed
            ),
            "moderated": Report(
                answer=told(status="failed", message="Failure to pass the risk control system"),
                state="failed",
                error=ContentRejected,
            ),
            "moderated in Chinese": Report(
                answer=told(status="failed", message="内容触发平台风控"),
                state="failed",
                error=ContentRejected,
            ),
            "failed and billed": Report(
                answer=told(status="failed", message="model error", billing=units),
                state="failed",
                error=JobFailed,
                billed=True,
                usage=Usage(units=Decimal(4)),
            ),
        }

    def unknown_status(self) -> Respond:
        return lambda _: answer([task("paused")])

    def deliveries(self) -> Respond:
        return lambda _: answer([task("succeeded", outputs=[COVER, VIDEO])])

    def gone(self) -> Respond:
        return lambda _: answer([])

    def lost(self) -> Respond:
        def found(request: Request) -> Response:
            assert str(request.url) == f"/tasks?external_task_ids={TAG}"
            return answer([task("submitted")])

        return found

    def not_found(self) -> Respond:
        return lambda _: answer([])

    def unsendable(self) -> Sequence[tuple[Order, Attempt]]:
        face = OrderReference(name="lin", images=(image(FACE),))
        video = Input(sha256="0" * 64, media_type="video/mp4", size=1)
        omni = order("kling-3.0-omni", "references", references=(face,))
        orders = [
            order(options={"settings": {"duration": 10}}),
            order(options={"settings": {"multi_shot": True}}),
            order(options={"options": {"external_task_id": "mine"}}),
            order(options={"prompt": "another"}),
            order(options={"contents": [{"type": "prompt", "text": "another"}]}),
            omni.model_copy(update={"options": {"contents": [{"type": "base_video", "url": "https://v"}]}}),
            omni.model_copy(
                update={"options": {"contents": [{"type": "element", "element_id": "1", "id": "x"}] * 2}}
            ),
            omni.model_copy(update={"aspect_ratio": None}),
            order("kling-3.0-omni", "references", references=(OrderReference(name="a", voice=video),)),
            order("kling-o1", "references", references=(face,), audio=True),
            order(duration=Decimal("5.5")),
            order(first_frame=image(FIRST)),
            order(references=(face,)),
            order(dialogue=(Line("她", "走", voice="1"),), audio=True),
            order(mode="first_last_frame", last_frame=image(LAST)),
            order(cuts=(Cut("a", 2.5), Cut("b", 2.5))),
            order(cuts=(Cut("a", 2), Cut("b", 2))),
            order(cuts=(Cut("a", 0.5), Cut("b", 4.5))),
            order(cuts=tuple(Cut("a", 1) for _ in range(7)), duration=Decimal(7)),
            order(cuts=(Cut("走" * 600, 5),)),
            order("kling-2.6", cuts=(Cut("a", 2), Cut("b", 3))),
        ]
        return [(each, ATTEMPT) for each in orders] + [
            (order(mode="first_frame", first_frame=image(FIRST)), Attempt(tag=TAG, created=1.0))
        ]

    def callback(self) -> tuple[Delivery, Sequence[str]]:
        return Delivery(headers={}, body=json.dumps(task("succeeded")).encode()), [JOB]


# -- what is sent ---------------------------------------------------------------------------------------------


def test_the_card_says_which_route_films_a_mode() -> None:
    asked = order(
        "kling-3.0-omni", "first_frame", wire={"products": {"first_frame": "omni-video"}}, first_frame=image(FIRST)
    )  # fmt: skip
    heard = Heard(lambda _: created())
    drive(KlingAdapter().submit(asked, ATTEMPT), heard)
    assert heard.requests[0].url.path == "/omni-video/kling-3.0-omni"


def test_a_model_unknown_to_the_table_is_told_not_to_cut() -> None:
    assert body_of(order("kling-3.5"))["settings"]["multi_shot"] is False


def test_options_are_merged_in_the_shape_of_the_body() -> None:
    body = body_of(order(options={"settings": {"style": "anime"}, "options": {"note": "x"}, "beta": True}))
    assert body["settings"]["style"] == "anime"
    assert body["settings"]["duration"] == 5
    assert body["options"]["external_task_id"] == TAG
    assert body["beta"] is True


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("prompt", ["女主回头", "She turns"])
def test_every_camera_move_has_words(move: Any, prompt: str) -> None:
    still = wording(order(prompt=prompt))
    slow = wording(order(prompt=prompt, camera=Camera(move, speed="slow")))
    assert slow.startswith(still.rstrip(".。"))
    assert len(slow) > len(still)
    assert "{" not in slow
    other = {wording(order(prompt=prompt, camera=Camera(m))) for m in get_args(Move) if m != move}
    assert wording(order(prompt=prompt, camera=Camera(move))) not in other


def test_dialogue_says_the_language() -> None:
    line = Line("Lin", "你好", language="zh-CN")
    assert wording(order(prompt="She turns", dialogue=(line,))) == 'She turns. Lin says in Chinese: "你好"'
    assert wording(order(dialogue=(Line("她", "Hi", language="en"),))).endswith('她用英语说："Hi"')


def test_english_cuts_and_a_line_in_the_cut_of_its_speaker() -> None:
    asked = order(
        prompt="A rainy street",
        cuts=(Cut("a car stops", 2), Cut("Mo steps out; he looks up", 3)),
        dialogue=(Line("Mo", "Here."),),
        negative_prompt="text",
        camera=Camera("handheld"),
    )
    assert wording(asked) == (
        "shot 1, 2, A rainy street. a car stops. Handheld camera with a slight natural shake. Avoid: text.; "
        'shot 2, 3, Mo steps out, he looks up. Mo says: "Here.";'
    )


def test_kling_4_is_told_of_cuts_in_words_of_any_length() -> None:
    asked = order("kling-4.0", prompt="A street", cuts=(Cut("a car; rain", 1.5), Cut("Mo gets out", 3.5)),
                  dialogue=(Line("Mo", "Here."),), audio=True)  # fmt: skip
    assert KlingAdapter().wording(asked) == (
        'A street.\nShot 1 (1.5 s): a car; rain.\nShot 2 (3.5 s): Mo gets out. Mo says: "Here."'
    )
    body = body_of(
        asked.model_copy(update={"prompt": "街", "cuts": (Cut("雨", 2), Cut("车", 3)), "dialogue": ()})
    )
    assert body["prompt"] == "街。\n镜头1（2秒）：雨。\n镜头2（3秒）：车。"


def test_what_could_not_be_sent_is_refused_by_the_plan() -> None:
    for asked, attempt in TestKlingContract().unsendable():
        if attempt is ATTEMPT:
            with pytest.raises(InvalidShot):
                KlingAdapter().wording(asked)


def test_a_plan_needs_no_pictures() -> None:
    for golden in TestKlingContract().goldens().values():
        text = KlingAdapter().wording(golden.order)
        sent = golden.body.get("prompt") or golden.body["contents"][0]["text"]
        assert text == sent


def test_a_reference_nobody_mentions_is_introduced() -> None:
    lin = OrderReference(name="林夏", images=(image(FACE),))
    assert wording(order(references=(lin,))) == "雨夜,女主推门而入。林夏见 @image_1。"
    assert wording(order(prompt="A door", references=(lin,))) == "A door. See @image_1 for 林夏."


def test_a_mention_of_an_element_stays_as_it_is() -> None:
    assert wording(order(prompt="@lin waves")) == "@lin waves."


@given(
    images=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    prompt=st.sampled_from(["@r0 runs", "put image_1 on the wall", "image_ picture_ walks", "雨夜@r0跑"]),
    element=st.sampled_from(["", "lin", "image", "im", "picture_1"]),
)
def test_no_id_begins_another_or_stands_in_the_prompt(images: list[int], prompt: str, element: str) -> None:
    asked = order(
        "kling-3.0-omni",
        "references",
        prompt=prompt,
        references=tuple(
            OrderReference(name=f"r{n}", images=(image(FACE),) * count) for n, count in enumerate(images)
        ),
        options={"contents": [{"type": "element", "element_id": "1", "id": element}]} if element else {},
    )
    ids = [i for named in reference_ids(asked).values() for i in named] + ([element] if element else [])
    assert len(ids) == sum(images) + bool(element)
    for n, one in enumerate(ids):
        assert one not in prompt or one == element
        assert not any(other.startswith(one) for m, other in enumerate(ids) if m != n)


def test_names_that_leave_no_id_are_refused() -> None:
    with pytest.raises(InvalidShot):
        wording(order(prompt="image_ picture_ look_"))


# -- what is answered -----------------------------------------------------------------------------------------


def test_an_id_is_never_lost_whatever_else_the_answer_says() -> None:
    for spoilt in (
        {"data": {"id": JOB}},
        {"code": "0", "data": {"id": int(JOB)}},
        {"code": 1201, "message": "external_task_id exists", "data": {"id": JOB}},
        {"code": 5002, "data": {"id": JOB, "status": None}},
    ):
        got = drive(KlingAdapter().submit(order(), ATTEMPT), always(Response(200, json=spoilt)))
        assert got == ticket()


def test_many_jobs_are_asked_for_at_once_and_matched_by_id() -> None:
    heard = Heard(lambda _: answer([task("succeeded", id="c"), task(id="a"), "junk", task(id="stranger")]))
    told = drive(KlingAdapter().poll([ticket("a"), ticket("b"), ticket("c")]), heard)
    assert [str(request.url) for request in heard.requests] == ["/tasks?task_ids=a,b,c"]
    assert {job: status.state for job, status in told.items()} == {"a": "running", "c": "succeeded"}
    assert told["c"].ticket == ticket("c")


def test_an_empty_list_is_no_verdict() -> None:
    assert drive(KlingAdapter().poll([ticket()]), lambda _: answer([])) == {}


def test_a_refusal_inside_http_200_is_no_poll() -> None:
    with pytest.raises(AuthError):
        drive(KlingAdapter().poll([ticket()]), lambda _: error_answer(1002, 200))


def test_nothing_is_polled_for_nothing() -> None:
    assert drive(KlingAdapter().poll([]), in_turn()) == {}


def test_a_failure_without_a_charge_says_so() -> None:
    missing = task("failed", message="oops")
    del missing["billing"]
    for told in (polled(task("failed", message="oops")), polled(missing)):
        assert told.error is not None
        assert told.error.billed is False
        assert "no charge is named" in told.error.message
        assert told.error.vendor_message == "oops"
        assert told.usage is None
    assert isinstance(polled(task("failed", message=None)).error, JobFailed)


def test_output_moderation_is_told_from_input_moderation() -> None:
    error = polled(task("failed", message="content risk")).error
    assert isinstance(error, ContentRejected)
    assert error.stage == "output"


def test_billing_is_added_up_and_read_with_care() -> None:
    def row(kind: str, amount: object, **more: object) -> dict[str, object]:
        return {"charge_type": kind, "amount": amount} | more

    def used(*rows: object) -> Usage | None:
        return polled(task("succeeded", billing=list(rows))).usage

    assert used(row("unit", "3"), row("unit", "0.5")) == Usage(units=Decimal("3.5"))
    assert used(row("unit", "0")) == Usage(units=Decimal(0)), "the vendor's own zero is a zero"
    assert used(row("cash", "0.56", currency="USD")) == Usage(charged=Money("0.56 USD"))
    for nonsense in (
        row("unit", "NaN"),
        row("unit", "-1"),
        row("unit", None),
        row("gift", "4"),
        "junk",
        None,
    ):
        assert used(nonsense) is None, "unknown is not zero"
    assert used(row("cash", "1", currency="EUR")) is None
    assert used(row("cash", "1", currency="USD"), row("cash", "1", currency="CNY")) == Usage()


def test_a_link_is_told_with_its_life_and_never_shown() -> None:
    got = drive(KlingAdapter().deliver(ticket()), TestKlingContract().deliveries())
    assert str(got.request.url) == VIDEO["url"]
    assert got.expires == 1_795_000_085 + 30 * 86_400
    assert not got.authenticated
    assert "sig" not in repr(got)


@pytest.mark.parametrize(
    "outputs", [None, [], "junk", [COVER], [VIDEO | {"url": ""}], [VIDEO | {"url": "/x.mp4"}], [VIDEO | {"url": 5}]]
)  # fmt: skip
def test_a_finished_job_without_a_file_is_asked_again(outputs: object) -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        drive(KlingAdapter().deliver(ticket()), lambda _: answer([task("succeeded", outputs=outputs)]))
    assert caught.value.retryable
    assert caught.value.billed is None


def test_a_failed_job_has_no_file() -> None:
    with pytest.raises(JobFailed):
        drive(KlingAdapter().deliver(ticket()), lambda _: answer([task("failed", message="x")]))
    with pytest.raises(JobExpired):
        drive(KlingAdapter().deliver(ticket()), lambda _: answer([task("succeeded", id="another")]))


def test_retry_after_is_read() -> None:
    told = KlingAdapter().fault(Response(429, headers={"Retry-After": "7"}, json={"code": 1302}))
    assert told.retry_after == 7.0
    dated = {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}
    assert KlingAdapter().fault(Response(429, headers=dated, json={"code": 1302})).retry_after is None


def test_an_error_names_the_model() -> None:
    with pytest.raises(ConcurrencyLimited, match=r"kling/kling-3\.0: more jobs at once"):
        drive(KlingAdapter().submit(order(), ATTEMPT), lambda _: error_answer(1303, 429))


# -- a lost create --------------------------------------------------------------------------------------------


def found(asked: Order, response: Response, attempt: Attempt = ATTEMPT) -> Ticket | Absent | Unsure:
    return drive(KlingAdapter().find(asked, attempt), lambda _: response)


def test_only_an_empty_list_says_absent() -> None:
    assert found(order(), answer([])) == Absent()
    nothings: list[Any] = [None, {}, [None], ["junk"], [{}], [task(external_id="another")]]
    for nothing in nothings:
        assert isinstance(found(order(), answer(nothing)), Unsure), nothing
    assert isinstance(found(order(), error_answer(1201, 400)), Unsure)
    assert isinstance(found(order(), answer([], code=1200)), Unsure)


def test_an_answer_that_leaves_out_the_tag_was_asked_by_it() -> None:
    silent = task()
    del silent["external_id"]
    assert found(order(), answer([silent])) == ticket()


UNTAGGED = order("kling-4.0", wire={"external_id": "unknown"})


def untagged(created: int = 1_795_000_001_000, **more: Any) -> dict[str, Any]:
    return task("submitted", create_time=created, external_id="") | more


def test_an_untagged_create_is_looked_for_by_its_time() -> None:
    heard = Heard(lambda _: answer({"result": [untagged()], "count": 1, "has_more": False}))
    got = drive(KlingAdapter().find(UNTAGGED, ATTEMPT), heard)
    assert got == Ticket(id=JOB, route=route("kling-4.0"), data={"protocol": "new", "found": "by time"})
    (request,) = heard.requests
    assert (request.method, request.url.path) == ("POST", "/tasks")
    assert json.loads(request.content) == {
        "start_time": "1795000000250",
        "end_time": "1795000003500",
        "limit": 500,
        "filters": [{"key": "product_type", "values": ["video"]}],
    }
    assert not request.extensions.get(PAID)


@pytest.mark.parametrize(
    "data",
    [
        {"count": 0, "has_more": False},
        {"result": [], "count": 0},
        {"result": [untagged(), untagged(id="2")]},
        {"result": [untagged()], "has_more": True},
        {"result": [untagged(external_id="someone's")]},
        {"result": [untagged(created=1_794_999_999_000)]},
        {"result": [untagged(created=1_795_000_004_000)]},
        {"result": [untagged(create_time="?")]},
        {"result": "junk"},
        [],
        None,
    ],
)
def test_anything_but_one_untagged_job_is_unsure(data: object) -> None:
    assert isinstance(found(UNTAGGED, answer(data)), Unsure)


def test_an_open_window_is_not_searched() -> None:
    got = drive(KlingAdapter().find(UNTAGGED, Attempt(tag=TAG, created=1.0)), in_turn())
    assert isinstance(got, Unsure)


# -- callbacks, keys, the account -----------------------------------------------------------------------------


def received(delivery: Delivery, *secrets: str, now: float) -> Sequence[str]:
    told = KlingAdapter().receive(delivery, {}, Secret(webhook=secrets), now)
    assert told.signed == bool(secrets)
    return told.jobs


VECTORS = {
    "official": (
        "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=",
        "9876543210",
        1_781_080_794,
        '{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,'
        '"update_time":1781080794151}',
        "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
        "1234567890",
    ),
    "failed": (
        "whsec_ZHJhbWFnZW4tZW11bGF0b3Itd2ViaG9vay1rZXktMDE=",
        "wh-1",
        1_795_000_066,
        '{"id":"920000000000000001","status":"failed","message":"content risk","create_time":1795000000000,'
        '"update_time":1795000065000,"external_id":"ep01-s03-t1","outputs":[],"billing":[]}',
        "v1,RFKpZSIUBt1SAwc1oXyuXpR5CSlw7oQ3xXkoqaVWNQU=",
        "920000000000000001",
    ),
}


def signed(name: str, **changed: str) -> Delivery:
    _, identity, stamp, body, signature, _ = VECTORS[name]
    headers = {"webhook-id": identity, "webhook-timestamp": str(stamp), "webhook-signature": signature}
    text = changed.pop("body", body)
    return Delivery(
        headers=headers | {k.replace("_", "-"): v for k, v in changed.items()}, body=text.encode()
    )


@pytest.mark.parametrize("name", VECTORS)
def test_a_signed_callback_is_believed(name: str) -> None:
    secret, _, stamp, _, _, job = VECTORS[name]
    for now in (stamp, stamp + 300, stamp - 300):
        assert received(signed(name), secret, now=now) == [job]


def test_during_rotation_any_signature_and_any_secret_will_do() -> None:
    secret, _, stamp, _, signature, job = VECTORS["official"]
    both = signed("official", webhook_signature=f"v1,AAAA {signature} v2,xyz")
    assert received(both, VECTORS["failed"][0], secret, now=stamp) == [job]


def test_headers_come_in_any_case() -> None:
    secret, _, stamp, _, _, job = VECTORS["official"]
    plain = signed("official")
    shouting = Delivery(headers={k.title(): v for k, v in plain.headers.items()}, body=plain.body)
    assert received(shouting, secret, now=stamp) == [job]


@pytest.mark.parametrize(
    "changed",
    [
        {"body": "{}"},
        {"webhook_id": "another"},
        {"webhook_id": ""},
        {"webhook_timestamp": "1781080795"},
        {"webhook_timestamp": "soon"},
        {"webhook_timestamp": "9" * 5000},
        {"webhook_signature": ""},
        {"webhook_signature": "v1,"},
        {"webhook_signature": "v1,é"},
        {"webhook_signature": "v2,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="},
    ],
)
def test_a_forged_callback_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(AuthError):
        received(signed("official", **changed), VECTORS["official"][0], now=1_781_080_794)


def test_an_old_callback_or_a_broken_secret_is_refused() -> None:
    secret, _, stamp, _, _, _ = VECTORS["official"]
    for now in (stamp + 301, stamp - 301):
        with pytest.raises(AuthError):
            received(signed("official"), secret, now=now)
    with pytest.raises(AuthError, match="whsec_"):
        received(signed("official"), "whsec_not base64!", now=stamp)


def test_without_a_secret_only_the_id_is_believed() -> None:
    assert received(Delivery(headers={}, body=b'{"task_id":"866","task_status":"succeed"}'), now=0) == ["866"]
    for junk in (b"", b"[]", b"{", b"\xff", b'{"id":""}', b'{"id":null}', b"[" * 100_000):
        assert not received(Delivery(headers={}, body=junk), now=0)


def test_a_key_pair_becomes_the_documented_token() -> None:
    pair = Secret(access="AK-TEST", secret="SK-TEST-0123456789abcdef0123456789")
    request = Request("GET", "/tasks?task_ids=1")
    KlingAdapter().sign(request, pair, 1_795_000_000.9)
    expected = (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJBSy1URVNUIiwiZXhwIjoxNzk1MDAxODAwLCJuYmYiOjE3OTQ5OTk5OTV9"
        ".uvqyKVrobVQ4GVtwlb5lvGo2QoRxvxhPAQ3DUox3uok"
    )
    assert request.headers["authorization"] == f"Bearer {expected}"
    claims = json.loads(base64.urlsafe_b64decode(token("a", "s", 100).split(".")[1] + "=="))
    assert claims == {"iss": "a", "exp": 1900, "nbf": 95}


def test_an_api_key_is_the_token_itself() -> None:
    request = Request("GET", "/tasks?task_ids=1")
    KlingAdapter().sign(request, Secret(key="api-key-kling-TEST", access="a", secret="s"), 1.0)
    assert request.headers["authorization"] == "Bearer api-key-kling-TEST"
    with pytest.raises(AuthError):
        KlingAdapter().sign(request, Secret(access="a"), 1.0)


def test_every_request_says_json() -> None:
    heard = Heard(lambda _: answer([task("succeeded", outputs=[VIDEO])]))
    drive(KlingAdapter().poll([ticket()]), heard)
    drive(KlingAdapter().find(order(), ATTEMPT), heard)
    drive(KlingAdapter().deliver(ticket()), heard)
    drive(KlingAdapter().probe(), heard)
    create = Heard(lambda _: created())
    drive(KlingAdapter().submit(order(), ATTEMPT), create)
    requests = heard.requests + create.requests
    assert len(requests) == 5
    assert {request.headers["content-type"] for request in requests} == {"application/json"}


def test_cancel_asks_nothing() -> None:
    assert drive(KlingAdapter().cancel(ticket()), in_turn()) is False


def probed(response: Response) -> Account:
    return drive(KlingAdapter().probe(), lambda _: response)


def test_the_probe_adds_up_the_packs() -> None:
    pack = {"remaining_quantity": "4200.5", "status": "online"}
    spent = {"remaining_quantity": 0, "status": "runOut"}
    costs = {"code": 0, "msg": "", "resource_pack_subscribe_infos": [pack, pack, spent]}
    assert probed(answer(costs)) == Account(valid=True, detail="8401.0 units left in 2 resource packs")
    assert probed(answer({"code": 0})) == Account(valid=True, detail="no resource pack online")


def test_the_probe_tells_a_bad_key_from_an_empty_account() -> None:
    bad = probed(error_answer(1002, 401, "api key not found"))
    assert not bad.valid
    assert isinstance(bad.error, AuthError)
    empty = probed(error_answer(1102, 429))
    assert empty.valid
    assert isinstance(empty.error, InsufficientBalance)


# -- answers gone wrong ---------------------------------------------------------------------------------------

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn, whole: Any) -> Any:
    """A good body with any one value, at any depth, replaced or taken away."""
    if isinstance(whole, dict) and whole and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(whole)))
        if draw(st.booleans()):
            return {k: v for k, v in whole.items() if k != key}
        return whole | {key: draw(spoilt(whole[key]))}
    if isinstance(whole, list) and whole and draw(st.booleans()):
        return [draw(spoilt(whole[0])), *whole[1:]]
    return draw(JUNK)


RUNNING = json.loads(answer([task()]).content)
DONE = json.loads(
    answer(
        [task("succeeded", outputs=[COVER, VIDEO], billing=[{"charge_type": "unit", "amount": "4"}])]
    ).content
)


@given(body=spoilt(RUNNING), status=st.sampled_from([200, 200, 200, 400, 401, 429, 500, 502, 504]))
def test_a_running_job_is_ended_by_no_nonsense(body: Any, status: int) -> None:
    try:
        told = drive(KlingAdapter().poll([ticket()]), lambda _: Response(status, json=body))
    except DramagenError:
        return
    assert all(job == JOB and s.ticket == ticket() for job, s in told.items())
    # The one word that ends a job is the vendor's own, and none of these says it.
    assert not any(s.state in TERMINAL for s in told.values())


@given(body=spoilt(DONE), status=st.sampled_from([200, 200, 404, 503]))
def test_nonsense_raises_only_typed_errors(body: Any, status: int) -> None:
    flows: list[Flow[Any]] = [
        KlingAdapter().poll([ticket()]),
        KlingAdapter().deliver(ticket()),
        KlingAdapter().find(order(), ATTEMPT),
        KlingAdapter().find(UNTAGGED, ATTEMPT),
        KlingAdapter().probe(),
    ]
    for flow in flows:
        try:
            drive(flow, lambda _: Response(status, json=body))
        except DramagenError as error:
            assert "sig=" not in str(error)  # noqa: PT017 - most answers raise nothing


@given(body=spoilt(json.loads(created().content)), status=st.sampled_from([200, 200, 400, 500]))
def test_a_create_answered_with_an_id_is_a_ticket_and_else_no_refusal(body: Any, status: int) -> None:
    data = body.get("data") if isinstance(body, dict) else None
    seen = data.get("id") if isinstance(data, dict) else None
    try:
        got = drive(KlingAdapter().submit(order(), ATTEMPT), lambda _: Response(status, json=body))
    except DramagenError as error:
        assert seen != JOB, "an id was seen and lost"
        code = body.get("code") if isinstance(body, dict) else None
        assert not error.refused or str(code) in map(str, REFUSED)  # noqa: PT017 - see above
    else:
        assert seen == JOB or got.id == str(seen)


def test_after_a_refusal_an_untagged_job_may_be_anybodys() -> None:
    refused = replace(ATTEMPT, refused=True, ahead=0.0)
    page = {"result": [untagged()], "count": 1, "has_more": False}
    told = found(UNTAGGED, answer(page), refused)
    assert isinstance(told, Unsure)
    assert told.maybe == [JOB]
    told = found(UNTAGGED, answer(page), replace(refused, others=frozenset({JOB})))
    assert isinstance(told, Unsure)
    assert not told.maybe
