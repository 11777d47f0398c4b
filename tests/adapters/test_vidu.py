"""Vidu: what is sent, and what every answer is read as."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, get_args

import pytest
from httpx import Request, Response
from hypothesis import given
from hypothesis import strategies as st

from dramagen.adapters.base import (
    PAID,
    Absent,
    Attempt,
    Delivery,
    Secret,
    Status,
    Ticket,
    Unsure,
    Usage,
)
from dramagen.adapters.vidu import ViduAdapter
from dramagen.adapters.vidu_words import wording
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
from dramagen.shot import MOVES, Camera, Cut, Line, Move, ReferenceKind
from dramagen.testing import AdapterContract, Golden, Heard, Refusal, Report, Respond, drive, in_turn
from dramagen.testing.vendor import NOW, SECRET

TAG = "k3v9x0q2m8c5t7w1z4b6n0ab"
FIRST, LAST, FACE, SIDE = b"first frame", b"last frame", b"a face", b"a profile"
SHA = {content: hashlib.sha256(content).hexdigest() for content in (FIRST, LAST, FACE, SIDE)}
ATTEMPT = Attempt(
    tag=TAG,
    created=1_795_348_800.0,  # 2026-11-22T12:00:00Z
    sent_until=1_795_348_830.0,
    inputs={sha: content for content, sha in SHA.items()},
)
CALLED = Attempt(tag=TAG, created=1.0, callback_url="https://hook.example/vidu/a1", inputs=ATTEMPT.inputs)
JOB = "842100000000000001"


def route(model: str = "viduq3-turbo") -> Route:
    return Route(provider="vidu", region="cn", model=model)


def image(content: bytes, media_type: str = "image/png") -> Input:
    return Input(sha256=SHA[content], media_type=media_type, size=len(content), width=720, height=1280)


def inline(content: bytes, form: str = "png") -> str:
    return f"data:image/{form};base64,{base64.b64encode(content).decode()}"


def order(
    model: str = "viduq3-turbo", mode: Mode = "text", wire: Mapping[str, Any] | None = None, **given_: Any
) -> Order:
    fields: dict[str, Any] = {
        "prompt": "雨夜,女主推门而入",
        "duration": Decimal(5),
        "resolution": "720p",
        "aspect_ratio": "9:16" if mode in ("text", "references") else None,
        "audio": False,
    }
    return Order(
        route=route(model),
        mode=mode,
        wire={"model": model, "off_peak": "any"} | dict(wire or {}),
        **(fields | given_),
    )


LIN = OrderReference(name="林晚", images=(image(FACE), image(SIDE)))
SHEN = OrderReference(name="沈舟", images=(image(LAST),))


def created(**more: Any) -> Response:
    return Response(200, json={"task_id": JOB, "state": "created", "payload": TAG, "credits": 55} | more)


def task(state: str = "processing", **more: Any) -> dict[str, Any]:
    return {
        "id": JOB, "state": state, "err_code": "", "credits": 55, "payload": TAG, "bgm": False, "off_peak": False,
        "creations": [],
    } | more  # fmt: skip


CREATION = {
    "id": "cr1", "url": "https://v.example.com/o.mp4?sig=1", "cover_url": "https://v.example.com/o.jpg?sig=1",
    "watermarked_url": "", "video": {"duration": 5.04, "fps": 24, "resolution": {"width": 720, "height": 1280}},
}  # fmt: skip


def told(state: str = "processing", **more: Any) -> Respond:
    return lambda _: Response(200, json=task(state, **more))


def refusal(status: int, reason: str, **more: Any) -> Response:
    body = {"code": status, "reason": reason, "message": "words", "metadata": {"trace_id": "t-1"}}
    return Response(status, json=body | more)


def no_task(_: Request | None = None) -> Response:
    return refusal(404, "TaskNotFound")


def body_of(asked: Order, attempt: Attempt = ATTEMPT) -> dict[str, Any]:
    heard = Heard(lambda _: created())
    drive(ViduAdapter().submit(asked, attempt), heard)
    body: dict[str, Any] = json.loads(heard.requests[-1].content)
    return body


def golden(asked: Order, path: str, body: Mapping[str, Any], attempt: Attempt = ATTEMPT) -> Golden:
    return Golden(order=asked, attempt=attempt, path=path, body=body, accept=lambda _: created(), id=JOB)


def ticket(**data: Any) -> Ticket:
    return Ticket(id=JOB, route=route(), data=data)


def polled(answer: Respond, **data: Any) -> Status:
    return drive(ViduAdapter().poll([ticket(**data)]), answer)[JOB]


def signed(
    target: str = "/hooks/vidu", key: str = SECRET.key or "", at: str = "Wed, 18 Nov 2026 11:06:40 GMT",
    names: str = "x-request-nonce", body: bytes = b"{}", **headers: str,
) -> Delivery:  # fmt: skip
    values = {"date": at, "x-request-nonce": "n-1"}
    path, _, query = target.partition("?")
    lines = [
        "POST",
        path,
        query,
        "vidu",
        at,
        *(f"{name}:{values[name.lower()]}" for name in names.split(";")),
    ]
    text = "\n".join(lines) + "\n"
    digest = base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()
    known = values | {
        "x-hmac-algorithm": "hmac-sha256",
        "x-hmac-access-key": "vidu",
        "x-hmac-signed-headers": names,
        "x-hmac-signature": digest,
    }
    return Delivery(headers=known | headers, body=body, target=target)


REFUSED: list[tuple[int, str, type[DramagenError], bool, Mapping[str, Any]]] = [
    *(
        (400, name, InvalidShot, False, {})
        for name in (
            "BadRequest", "FieldLacking", "FieldUnwanted", "FieldInvalid", "FieldItemCountOutOfRange",
            "PageSizeOutOfRange", "ImageFormatInvalid", "VideoFormatInvalid", "ImageSizeInvalid",
            "ImageDownloadFailure", "VideoDownloadFailure", "ImageCheckBodyJointsFailed", "ImageCheckFaceFailed",
            "ImageObjectsUndetected", "FaceDetectFailure", "FaceDetectNotPass", "NoFaceDetected",
            "MultiFaceDetected", "AWordNobodyKnows",
        )
    ),
    (400, "ModelUnavailable", ProviderUnavailable, False, {}),
    (404, "NotFound", InvalidShot, False, {}),
    (409, "Conflict", InvalidShot, False, {}),
    (401, "Unauthorized", AuthError, False, {}),
    (403, "Forbidden", AuthError, False, {}),
    (402, "CreditInsufficient", InsufficientBalance, False, {}),
    (400, "CreditInsufficient", InsufficientBalance, False, {}),
    (400, "TaskPromptPolicyViolation", ContentRejected, False, {"stage": "input", "field": "prompt"}),
    (400, "AuditSubmitIllegal", ContentRejected, False, {"stage": "input"}),
    (400, "PhotoAuditNotPass", ContentRejected, False, {"stage": "input"}),
    (400, "AuditFailed", ContentRejected, False, {"stage": "input"}),
    (400, "CreationPolicyViolation", ContentRejected, False, {"stage": "output"}),
    (429, "QuotaExceeded", ConcurrencyLimited, True, {}),
    (429, "TooManyRequests", RateLimited, True, {}),
    (429, "SystemThrottling", RateLimited, True, {}),
    (429, "OperationInProcess", RateLimited, True, {}),
]  # fmt: skip
"""The vendor's error table: status, name, what it becomes, whether later may do, and what more is known."""


class TestViduContract(AdapterContract):
    def adapter(self) -> ViduAdapter:
        return ViduAdapter()

    def goldens(self) -> Mapping[str, Golden]:
        text = {
            "model": "viduq3-turbo", "prompt": "雨夜,女主推门而入。", "duration": 5, "resolution": "720p",
            "aspect_ratio": "9:16", "audio": False, "payload": TAG,
        }  # fmt: skip
        framed = {name: value for name, value in text.items() if name != "aspect_ratio"}
        return {
            "text": golden(
                order(camera=Camera("push_in", speed="slow"), seed=18427),
                "/ent/v2/text2video",
                text | {"prompt": "雨夜,女主推门而入。镜头缓慢推近。", "seed": 18427},
            ),
            "text off-peak": golden(
                order(options={"off_peak": True, "style": "anime"}),
                "/ent/v2/text2video",
                text | {"off_peak": True, "style": "anime"},
            ),
            "text q1 has no audio field": golden(
                order("viduq1", wire={"sound": False}, resolution="1080p"),
                "/ent/v2/text2video",
                {n: v for n, v in text.items() if n != "audio"} | {"model": "viduq1", "resolution": "1080p"},
            ),
            "first frame": golden(
                order("viduq4-preview", "first_frame", first_frame=image(FIRST), resolution="4k", audio=True),
                "/ent/v2/img2video",
                framed
                | {"model": "viduq4-preview", "images": [inline(FIRST)], "resolution": "4K", "audio": True},
            ),
            "first and last frame": golden(
                order(
                    "viduq3-pro",
                    "first_last_frame",
                    first_frame=image(FIRST, "image/jpeg"),
                    last_frame=image(LAST, "image/webp"),
                ),
                "/ent/v2/start-end2video",
                framed
                | {
                    "model": "viduq3-pro",
                    "images": [inline(FIRST, "jpeg"), inline(LAST, "webp")],
                    "callback_url": "https://hook.example/vidu/a1",
                },
                CALLED,
            ),
            "named subjects": golden(
                order(
                    mode="references",
                    prompt="@林晚把伞递给 @沈舟，雨夜街口",
                    references=(LIN, SHEN),
                    duration=Decimal(6),
                    audio=True,
                    dialogue=(Line("沈舟", "谢谢", voice="v-7", language="zh"),),
                ),
                "/ent/v2/reference2video",
                {
                    "model": "viduq3-turbo",
                    "subjects": [
                        {"name": "林晚", "images": [inline(FACE), inline(SIDE)]},
                        {"name": "沈舟", "images": [inline(LAST)], "voice_id": "v-7"},
                    ],
                    "prompt": '@林晚 把伞递给 @沈舟，雨夜街口。@沈舟 用中文说："谢谢"',
                    "duration": 6,
                    "resolution": "720p",
                    "aspect_ratio": "9:16",
                    "audio": True,
                    "payload": TAG,
                },
            ),
            "a plain list of images": golden(
                order(
                    "viduq4-preview",
                    "references",
                    wire={"form": "images"},
                    prompt="@沈舟 turns to @林晚",
                    references=(LIN, SHEN),
                    resolution="2k",
                ),
                "/ent/v2/reference2video",
                text
                | {
                    "model": "viduq4-preview",
                    "images": [inline(FACE), inline(SIDE), inline(LAST)],
                    "prompt": "image 3 turns to image 1 and image 2.",
                    "resolution": "2K",
                },
            ),
            "a chosen voice without subjects": golden(
                order(
                    "viduq2-pro",
                    "first_frame",
                    prompt="She turns",
                    first_frame=image(FIRST),
                    audio=True,
                    dialogue=(Line("She", "Wait.", voice="v-1"),),
                ),
                "/ent/v2/img2video",
                framed
                | {
                    "model": "viduq2-pro",
                    "images": [inline(FIRST)],
                    "prompt": 'She turns. She says: "Wait."',
                    "audio": True,
                    "voice_id": "v-1",
                },
            ),
        }

    def refusals(self) -> Mapping[str, Refusal]:
        named = {
            f"{status} {reason}": Refusal(
                answer=refusal(status, reason),
                error=kind,
                retryable=retryable,
                refused=True,
                also={"code": reason, "request_id": "t-1", "vendor_message": "words"} | dict(also),
            )
            for status, reason, kind, retryable, also in REFUSED
        }

        def unknown(answer: Response, kind: type[DramagenError], retryable: bool = True) -> Refusal:
            return Refusal(answer=answer, error=kind, retryable=retryable, refused=False, billed=None)

        return named | {
            "500": unknown(refusal(500, "InternalServiceFailure"), ProviderUnavailable),
            "a busy word in a 5xx": unknown(refusal(503, "QuotaExceeded"), ConcurrencyLimited),
            "a word in a 2xx": unknown(refusal(200, "FieldInvalid"), InvalidShot, False),
            "a 4xx that is not Vidu's": unknown(Response(400, html="<html>"), ProviderUnavailable),
            "a number alone": unknown(Response(404, json={"code": 404}), ProviderUnavailable),
            "the name in the code": Refusal(
                answer=Response(429, json={"code": "QuotaExceeded", "message": "words"}),
                error=ConcurrencyLimited,
                retryable=True,
                refused=True,
            ),
            "the name in err_code": Refusal(
                answer=Response(400, json={"err_code": "FieldInvalid"}),
                error=InvalidShot,
                retryable=False,
                refused=True,
            ),
            "the id in a header, and when to come back": Refusal(
                answer=Response(
                    429,
                    json={"code": 429, "reason": "TooManyRequests"},
                    headers={"x-md-trace-id": "h-1", "retry-after": "7"},
                ),
                error=RateLimited,
                retryable=True,
                refused=True,
                also={"request_id": "h-1", "retry_after": 7.0},
            ),
        }

    def reports(self) -> Mapping[str, Report]:
        used = Usage(units=Decimal(55))

        def failed(code: str, kind: type[DramagenError], **more: Any) -> Report:
            fields = {"err_code": code, "credits": 0} | more
            state: Any = "canceled" if code in ("UserCancelled", "Canceled") else "failed"
            billed = None if fields["credits"] else False
            return Report(answer=told("failed", **fields), state=state, error=kind, billed=billed)

        return {
            "running": Report(answer=told(), state="running"),
            "created": Report(answer=told("created"), state="queued"),
            "queueing": Report(answer=told("queueing"), state="queued"),
            "success": Report(answer=told("success", creations=[CREATION]), state="succeeded", usage=used),
            "credits as text": Report(
                answer=told("success", credits="60"), state="succeeded", usage=Usage(units=Decimal(60))
            ),
            "credits of the create": Report(answer=told("success", credits=0), state="succeeded", usage=used),
            "no id of its own": Report(answer=told("success", id=int(JOB)), state="succeeded", usage=used),
            "failed": failed("InternalServiceFailure", JobFailed),
            "failed for a picture": failed("ImageCheckFaceFailed", JobFailed),
            "failed without a word": failed("", JobFailed),
            "failed with a new word": failed("SomethingElse", JobFailed),
            "moderated output": failed("CreationPolicyViolation", ContentRejected),
            "moderated input": failed("AuditSubmitIllegal", ContentRejected),
            "failed, and credits named": failed("InternalServiceFailure", JobFailed, credits=55),
            "cancelled": failed("UserCancelled", JobFailed),
            "given up off-peak": failed("Canceled", JobFailed),
            "gone": Report(answer=no_task, state="missing", error=JobExpired, billed=None),
        }

    def unknown_status(self) -> Respond:
        return told("paused")

    def deliveries(self) -> Respond:
        return told("success", creations=[{"id": "no url"}, CREATION])

    def gone(self) -> Respond:
        return no_task

    def canceled(self) -> Mapping[bool, Respond]:
        gone = Response(200, json=task("failed", err_code="UserCancelled", credits=0))
        return {
            True: in_turn(Response(200, json={}), gone),
            False: in_turn(Response(200, json={}), Response(200, json=task("processing"))),
        }

    def lost(self) -> Respond:
        def answer(request: Request) -> Response:
            if request.url.path == "/ent/v2/tasks":
                return page(listed("1"), listed(JOB))
            return Response(200, json=task(id="1", payload="") if "/1/" in request.url.path else task())

        return answer

    def not_found(self) -> Respond:
        return lambda _: page()

    def unsendable(self) -> Sequence[tuple[Order, Attempt]]:
        def refers(*references: OrderReference, **more: Any) -> Order:
            return order(mode="references", references=references, **more)

        voiced = (Line("林晚", "走", voice="v-1"),)
        orders = [
            *(order(options={name: "x"}) for name in ("prompt", "payload", "is_rec", "watermark", "audio")),
            order(options={"off_peak": "true"}),
            order(options={"off_peak": 1}),
            order(wire={"off_peak": "never"}, options={"off_peak": True}),
            order(wire={"off_peak": "silent"}, audio=True, options={"off_peak": True}),
            order(duration=Decimal("5.5")),
            order(aspect_ratio=None),
            order(cuts=(Cut("a", 2), Cut("b", 3))),
            order(first_frame=image(FIRST)),
            order(references=(LIN,)),
            order(mode="first_frame"),
            order(mode="first_last_frame", first_frame=image(FIRST)),
            order(mode="references"),
            order("viduq1", wire={"sound": False}, audio=True),
            refers(OrderReference(name="a")),
            refers(OrderReference(name="a", images=(image(FACE),), voice=image(SIDE))),
            refers(OrderReference(name="a", video=image(SIDE))),
            refers(OrderReference(name="a", images=(image(FACE),) * 4)),
            refers(LIN, dialogue=(Line("路人", "走", voice="v-1"),), audio=True),
            refers(LIN, dialogue=voiced),
            refers(LIN, dialogue=(*voiced, Line("林晚", "停", voice="v-2")), audio=True),
            refers(LIN, dialogue=voiced, audio=True, wire={"form": "images"}),
            order(dialogue=(*voiced, Line("沈舟", "停", voice="v-2")), audio=True),
            order(mode="first_frame", first_frame=image(FIRST, "image/gif")),
        ]
        return [(each, ATTEMPT) for each in orders] + [
            (order(mode="first_frame", first_frame=image(FIRST)), Attempt(tag=TAG, created=1.0))
        ]

    def callback(self) -> tuple[Delivery, Sequence[str]]:
        return signed(body=json.dumps(task("success")).encode()), [JOB]


# -- what is sent ---------------------------------------------------------------------------------------------


def test_nothing_is_half_price_unless_it_was_asked_for() -> None:
    assert "off_peak" not in body_of(order())
    assert body_of(order(options={"off_peak": False}))["off_peak"] is False


def test_a_plan_refuses_what_could_not_be_sent() -> None:
    for asked, attempt in TestViduContract().unsendable():
        if attempt is ATTEMPT:
            with pytest.raises(InvalidShot):
                ViduAdapter().wording(asked)


@pytest.mark.parametrize("move", MOVES)
def test_every_camera_move_has_words_in_both_languages(move: Move) -> None:
    chinese = wording(order(camera=Camera(move, "slow")))
    english = wording(order(prompt="She walks", camera=Camera(move, "fast")))
    assert len(chinese) > len("雨夜,女主推门而入。")
    assert english.startswith("She walks. ")
    assert english.isascii()
    assert "{" not in chinese + english


@pytest.mark.parametrize(
    ("kind", "form", "chinese", "english"),
    [
        ("character", "subjects", "画面中有@林晚", "In the picture: @林晚"),
        ("scene", "subjects", "场景是@林晚", "The scene is @林晚"),
        ("prop", "images", "画面中有参考图1、参考图2", "In the picture: image 1 and image 2"),
        ("style", "images", "画面风格参照参考图1、参考图2", "The style follows image 1 and image 2"),
    ],
)
def test_who_is_not_mentioned_is_named(kind: ReferenceKind, form: str, chinese: str, english: str) -> None:
    one = LIN.model_copy(update={"kind": kind})
    for prompt, words in (("雨夜", chinese), ("A rainy night", english)):
        asked = order(mode="references", wire={"form": form}, prompt=prompt, references=(one,))
        assert words in wording(asked)
        spoken = asked.model_copy(update={"prompt": f"{prompt} @林晚"})
        assert words not in wording(spoken)


def test_a_speaker_counts_as_mentioned_and_quotes_stay_the_only_ones() -> None:
    line = Line("林晚", '他说"走"', language="en")
    asked = order(mode="references", prompt="雨夜", references=(LIN,), dialogue=(line,), audio=True)
    assert wording(asked) == "雨夜。@林晚 用英语说：\"他说'走'\""


@given(st.text(st.sampled_from("林晚舟a @,，。"), min_size=1, max_size=30))
def test_mentions_stay_mentions(prompt: str) -> None:
    asked = order(mode="references", prompt=prompt + "。", references=(LIN, SHEN))
    words = wording(asked)
    assert words.count("@林晚") == max(1, prompt.replace("＠", "@").count("@林晚")) or "a@" in prompt


# -- what is read ---------------------------------------------------------------------------------------------


def test_the_credits_of_a_create_are_kept_on_the_ticket() -> None:
    made = drive(ViduAdapter().submit(order(), ATTEMPT), lambda _: created(credits="60"))
    assert made.data == {"credits": 60}
    assert drive(ViduAdapter().submit(order(), ATTEMPT), lambda _: created(credits=None)).data == {}


def test_a_success_that_names_no_credits_is_reckoned() -> None:
    assert polled(told("success", credits=0)).usage is None
    assert polled(told("success", credits=True), credits=60).usage == Usage(units=Decimal(60))


def test_an_answer_about_another_job_is_none_about_this() -> None:
    with pytest.raises(ProviderUnavailable):
        polled(told("success", id="1"))


def test_several_jobs_are_asked_for_one_by_one() -> None:
    one, two = ticket(), Ticket(id="8", route=route())
    answers = in_turn(Response(502, html="<html>"), Response(200, json=task("failed", id="8", credits=0)))
    states = drive(ViduAdapter().poll([one, two]), answers)
    assert {id_: status.state for id_, status in states.items()} == {"8": "failed"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (told("failed", err_code="CreationPolicyViolation"), ContentRejected),
        (told("processing"), ProviderUnavailable),
        (told("success"), ProviderUnavailable),
        (told("success", creations=[{"url": "ftp://x/y"}, {"url": "http://"}, {"url": 3}, "x"]), ProviderUnavailable),
        (lambda _: Response(502, html="<html>"), ProviderUnavailable),
    ],
)  # fmt: skip
def test_a_file_that_is_not_there(answer: Respond, error: type[DramagenError]) -> None:
    with pytest.raises(error):
        drive(ViduAdapter().deliver(ticket()), answer)


def test_a_refused_cancel_asks_no_further() -> None:
    heard = Heard(lambda _: refusal(409, "Conflict"))
    assert drive(ViduAdapter().cancel(ticket()), heard) is False
    (request,) = heard.requests
    assert (request.url.path, json.loads(request.content)) == (f"/ent/v2/tasks/{JOB}/cancel", {"id": JOB})


# -- a create whose answer was lost ---------------------------------------------------------------------------


def listed(job: str, **more: Any) -> dict[str, Any]:
    return {
        "id": job, "type": "text2video", "model": "viduq3-turbo", "prompt": "雨夜,女主推门而入。",
        "state": "queueing", "created_at": "2026-11-22T12:00:00Z",
    } | more  # fmt: skip


def page(*tasks: Mapping[str, Any], token: str = "") -> Response:
    return Response(200, json={"next_page_token": token, "tasks": list(tasks)})


def found(*answers: Response, asked: Order | None = None) -> tuple[Any, list[Request]]:
    heard = Heard(in_turn(*answers))
    return drive(ViduAdapter().find(asked or order(), ATTEMPT), heard), heard.requests


def test_the_list_is_read_around_the_time_of_sending() -> None:
    _, (request,) = found(page())
    assert request.url.path == "/ent/v2/tasks"
    assert dict(request.url.params) == {
        "created_at.from": "2026-11-22T11:55:00Z",
        "created_at.to": "2026-11-22T12:05:30Z",
        "pager.page": "0",
        "pager.pagesz": "100",
    }


def test_only_its_own_payload_makes_a_job_ours() -> None:
    """Two takes of one shot look alike in the list: same prompt, model, length and time."""
    twin, ours = Response(200, json=task(id="1", payload="another tag")), Response(200, json=task(id="2"))
    answer, requests = found(page(listed("1"), listed("2")), twin, ours)
    assert isinstance(answer, Ticket)
    assert answer.id == "2"
    assert [request.url.path for request in requests[1:]] == [
        "/ent/v2/tasks/1/creations",
        "/ent/v2/tasks/2/creations",
    ]
    answer, _ = found(page(listed("1")), twin)
    assert isinstance(answer, Absent)


def test_likely_jobs_are_asked_for_first_and_other_models_not_at_all() -> None:
    jobs = [listed("1", prompt="x"), listed("2"), listed("3", model="viduq3-pro")]
    answer, requests = found(page(*jobs), Response(200, json=task(id="2")))
    assert isinstance(answer, Ticket)
    assert len(requests) == 2


def test_a_list_that_shows_payloads_settles_it_alone() -> None:
    answer, _ = found(page(listed("1", payload="other"), listed("2", payload=TAG)))
    assert isinstance(answer, Ticket)
    assert answer.id == "2"
    answer, _ = found(page(listed("1", payload="other")))
    assert isinstance(answer, Absent)


def test_every_page_is_read() -> None:
    answer, requests = found(
        page(listed("1", model="x"), token="t1"),
        page(listed("2")),
        Response(200, json=task(id="2")),
    )
    assert isinstance(answer, Ticket)
    assert dict(requests[1].url.params)["pager.page_token"] == "t1"
    assert dict(requests[1].url.params)["pager.page"] == "1"


@pytest.mark.parametrize(
    "answers",
    [
        [Response(500, json={})],
        [refusal(401, "Unauthorized")],
        [Response(200, json={"tasks": []})],
        [Response(200, json={"next_page_token": "", "tasks": [{"state": "queueing"}]})],
        [page(listed("1"), token="t"), page(listed("1"), token="t")],
        [page(listed("1")), Response(502, html="<html>")],
        [page(listed("1")), Response(200, json={"id": "1", "state": "queueing"})],
        [page(listed("1")), no_task()],
    ],
)
def test_what_cannot_be_read_is_no_absence(answers: list[Response]) -> None:
    answer, _ = found(*answers)
    assert isinstance(answer, Unsure)


def test_a_crowd_is_not_searched_for_ever() -> None:
    other = (Response(200, json=task(id=str(n), payload="other")) for n in range(1, 1000))
    crowd = [page(*(listed(str(n)) for n in range(1, 90)))]
    answer, requests = found(*crowd, *other)
    assert isinstance(answer, Unsure)
    assert len(requests) == 61

    def endless(request: Request) -> Response:
        number = dict(request.url.params)["pager.page"]
        return page(listed(f"9{number}", model="x"), token=f"t{number}")

    assert isinstance(drive(ViduAdapter().find(order(), ATTEMPT), endless), Unsure)


# -- callbacks, keys, accounts --------------------------------------------------------------------------------


def receive(delivery: Delivery, secret: Secret = SECRET, now: float = NOW) -> list[str]:
    told = ViduAdapter().receive(delivery, {}, secret, now)
    assert told.signed
    return list(told.jobs)


def test_the_made_up_callback() -> None:
    headers = {
        "x-hmac-algorithm": "hmac-sha256",
        "x-hmac-access-key": "vidu",
        "x-hmac-signed-headers": "x-request-nonce",
        "x-hmac-signature": "WXNxFO7UdZrYzFz1PBsZTJSx1gbZnRz1JEjmLtkEZMo=",
        "date": "Sun, 22 Nov 2026 12:00:00 GMT",
        "x-request-nonce": "3f0f3b1e-5c0a-4d3e-9f52-0c3a6a1f7c11",
    }
    delivery = Delivery(headers=headers, body=json.dumps({"id": JOB}).encode(), target="/hooks/vidu")
    at = 1_795_348_800.0
    assert receive(delivery, Secret(key="vda_test_0000"), at) == [JOB]
    assert receive(delivery, Secret(key="another", webhook=("vda_test_0000",)), at + 299) == [JOB]


def forged() -> Iterator[tuple[str, Delivery]]:
    body = json.dumps({"id": JOB}).encode()
    good = signed(body=body)
    yield "unsigned", Delivery(headers={}, body=body, target=good.target)
    yield "another key", signed(key="another", body=body)
    yield "another path", Delivery(headers=good.headers, body=body, target="/hooks/other")
    yield "another query", Delivery(headers=good.headers, body=body, target="/hooks/vidu?a=1")
    yield (
        "another nonce",
        Delivery(headers={**good.headers, "x-request-nonce": "n-2"}, body=body, target=good.target),
    )
    yield "another method", signed(body=body, **{"x-hmac-algorithm": "hmac-sha1"})
    yield "another caller", signed(body=body, **{"x-hmac-access-key": "other"})
    yield "too old", signed(at="Wed, 18 Nov 2026 11:01:39 GMT", body=body)
    yield "too early", signed(at="Wed, 18 Nov 2026 11:11:41 GMT", body=body)
    yield "no date", signed(at="", body=body)
    yield "an odd date", signed(at="yesterday", body=body)
    yield "no signature", signed(body=body, **{"x-hmac-signature": ""})


@pytest.mark.parametrize("delivery", [pytest.param(d, id=name) for name, d in forged()])
def test_a_forged_callback_is_refused(delivery: Delivery) -> None:
    with pytest.raises(AuthError):
        receive(delivery)


def test_a_callback_nobody_can_check_is_refused() -> None:
    with pytest.raises(AuthError):
        receive(signed(body=json.dumps({"id": JOB}).encode()), Secret(access="a", secret="b"))


@pytest.mark.parametrize("target", ["/hooks/vidu?b=2&a=1", "/hooks/vidu?a=1&b=2"])
def test_the_query_may_be_signed_as_it_stands_or_sorted(target: str) -> None:
    body = json.dumps({"id": JOB}).encode()
    assert receive(signed(target, body=body)) == [JOB]
    in_order = signed("/hooks/vidu?a=1&b=2", names="Date;x-request-nonce", body=body)
    assert receive(Delivery(headers=in_order.headers, body=body, target=target)) == [JOB]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{}", b'{"id": true}', b'{"id": []}', b"\xff", b"[" * 100_000]
)
def test_a_signed_callback_that_says_nothing(body: bytes) -> None:
    assert receive(signed(body=body)) == []


@pytest.mark.parametrize("word", ["state", "status"])
def test_whichever_word_a_callback_uses(word: str) -> None:
    assert receive(signed(body=json.dumps({"id": int(JOB), word: "success"}).encode())) == [JOB]


def test_the_key_is_a_token() -> None:
    request = Request("GET", "/ent/v2/credits")
    ViduAdapter().sign(request, Secret(key="vda_x"), NOW)
    assert request.headers["authorization"] == "Token vda_x"
    with pytest.raises(AuthError, match="VIDU_API_KEY"):
        ViduAdapter().sign(request, Secret(access="a", secret="b"), NOW)


def test_the_account() -> None:
    metered = {"type": "metered", "credit_remain": 1200, "concurrency_limit": 5, "current_concurrency": 2}
    pack = {"type": "pack", "credit_remain": 16000, "concurrency_limit": 5, "current_concurrency": 2}
    account = drive(ViduAdapter().probe(), in_turn(Response(200, json={"remains": [metered, pack]})))
    assert (account.valid, account.concurrency, account.error) == (True, 5, None)
    assert account.detail == "17,200 credits left, 2 of 5 jobs running"
    assert account.left == 17_200


def test_credits_that_cannot_be_read_do_not_make_a_key_bad() -> None:
    for odd in (Response(200, json={"remains": []}), Response(404, json={}), Response(500, json={})):
        account = drive(ViduAdapter().probe(), in_turn(odd, no_task()))
        assert account.valid
    bad = drive(ViduAdapter().probe(), in_turn(refusal(401, "Unauthorized")))
    assert not bad.valid
    assert isinstance(bad.error, AuthError)
    down = drive(ViduAdapter().probe(), in_turn(Response(502), Response(502)))
    assert not down.valid
    assert isinstance(down.error, ProviderUnavailable)


def test_the_kinds_of_reference_all_have_words() -> None:
    for kind in get_args(ReferenceKind):
        one = LIN.model_copy(update={"kind": kind})
        assert "@林晚" in wording(order(mode="references", references=(one,)))


def test_one_paid_request_and_no_upload() -> None:
    heard = Heard(lambda _: created())
    asked = order(mode="references", prompt="@林晚", references=(LIN,))
    drive(ViduAdapter().submit(asked, ATTEMPT), heard)
    assert [bool(request.extensions.get(PAID)) for request in heard.requests] == [True]
