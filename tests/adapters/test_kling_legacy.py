"""Kling's older API: only what lives nowhere else, under the same adapter."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, get_args

import pytest
from httpx import Request, Response

from dramagen.adapters.base import Absent, Attempt, Delivery, Status, Ticket, Unsure, Usage
from dramagen.adapters.kling import KlingAdapter
from dramagen.catalog.order import Input, Mode, Order, OrderReference
from dramagen.catalog.route import Route
from dramagen.errors import (
    AuthError,
    ConcurrencyLimited,
    ContentRejected,
    InvalidShot,
    JobExpired,
    JobFailed,
    ProviderUnavailable,
)
from dramagen.shot import Camera, Cut, Line, Move
from dramagen.testing import AdapterContract, Golden, Heard, Refusal, Report, Respond, always, drive, in_turn

TAG = "k3v9x0q2m8c5t7w1z4b6n0ab"
JOB = "866889456698785798"
FRAME, TAIL = b"frame", b"tail"
SHA = {content: hashlib.sha256(content).hexdigest() for content in (FRAME, TAIL)}
ATTEMPT = Attempt(tag=TAG, created=1_795_000_000.0, inputs={sha: content for content, sha in SHA.items()})


def route(model: str) -> Route:
    return Route(provider="kling", region="cn", model=model)


def image(content: bytes) -> Input:
    return Input(sha256=SHA[content], media_type="image/png", size=len(content))


def order(model: str = "kling-v2-1-master", mode: Mode = "text", **given: Any) -> Order:
    fields: dict[str, Any] = {
        "prompt": "A girl turns",
        "duration": Decimal(5),
        "resolution": "1080p",
        "aspect_ratio": "9:16" if mode == "text" else None,
        "audio": False,
        "wire": {"model": model, "protocol": "legacy"},
    }
    return Order(route=route(model), mode=mode, **(fields | given))


def answer(data: Any, code: int = 0, status: int = 200, message: str = "SUCCEED") -> Response:
    return Response(status, json={"code": code, "message": message, "request_id": "7c-1", "data": data})


NOT_FOUND = answer(None, 1201, 400, "Task not found")


def task(status: str = "processing", **more: Any) -> dict[str, Any]:
    return {
        "task_id": JOB, "task_status": status, "task_status_msg": "", "task_info": {"external_task_id": TAG},
        "created_at": 1_795_000_000_000, "updated_at": 1_795_000_070_000,
    } | more  # fmt: skip


VIDEOS = {
    "videos": [{"id": "867", "url": "https://cdn.example/y.mp4?k=secret", "watermark_url": "", "duration": "5.1"}]
}  # fmt: skip


def ticket(job: str = JOB, product: str = "text2video", model: str = "kling-v2-1-master") -> Ticket:
    return Ticket(id=job, route=route(model), data={"protocol": "legacy", "product": product})


def polled(**fields: Any) -> Status:
    return drive(KlingAdapter().poll([ticket()]), lambda _: answer(task(**fields)))[JOB]


def body_of(asked: Order) -> dict[str, Any]:
    heard = Heard(lambda _: answer(task("submitted")))
    drive(KlingAdapter().submit(asked, ATTEMPT), heard)
    body: dict[str, Any] = json.loads(heard.requests[-1].content)
    return body


def golden(asked: Order, path: str, body: Mapping[str, Any], attempt: Attempt = ATTEMPT) -> Golden:
    common: dict[str, Any] = {"watermark_info": {"enabled": False}, "external_task_id": TAG}
    return Golden(
        order=asked,
        attempt=attempt,
        path=path,
        body=common | dict(body),
        accept=lambda _: answer(task("submitted")),
        id=JOB,
    )


class TestKlingLegacyContract(AdapterContract):
    def adapter(self) -> KlingAdapter:
        return KlingAdapter()

    def goldens(self) -> Mapping[str, Golden]:
        called = Attempt(tag=TAG, created=1.0, callback_url="https://hook.example/k", inputs=ATTEMPT.inputs)
        return {
            "text": golden(
                order(negative_prompt="text, logo", dialogue=(Line("She", "Wait."),)),
                "/v1/videos/text2video",
                {
                    "model_name": "kling-v2-1-master", "prompt": 'A girl turns. She says: "Wait."',
                    "negative_prompt": "text, logo", "mode": "pro", "duration": "5", "aspect_ratio": "9:16",
                },
            ),
            "first and last frame": golden(
                order(
                    "kling-v2-1",
                    "first_last_frame",
                    first_frame=image(FRAME),
                    last_frame=image(TAIL),
                    duration=Decimal(10),
                    camera=Camera("pan_left"),
                ),
                "/v1/videos/image2video",
                {
                    "model_name": "kling-v2-1", "prompt": "A girl turns. The camera pans left.", "mode": "pro",
                    "duration": "10", "image": base64.b64encode(FRAME).decode(),
                    "image_tail": base64.b64encode(TAIL).decode(), "callback_url": "https://hook.example/k",
                },
                called,
            ),
            "camera field": golden(
                order("kling-v1", resolution="720p", camera=Camera("zoom_in", speed="slow")),
                "/v1/videos/text2video",
                {
                    "model_name": "kling-v1", "prompt": "A girl turns.", "mode": "std", "duration": "5",
                    "aspect_ratio": "9:16", "camera_control": {"type": "simple", "config": {"zoom": -3}},
                },
            ),
            "sound": golden(
                order("kling-v2-6", audio=True),
                "/v1/videos/text2video",
                {
                    "model_name": "kling-v2-6", "prompt": "A girl turns.", "mode": "pro", "duration": "5",
                    "aspect_ratio": "9:16", "sound": "on",
                },
            ),
            "masks pass through": golden(
                order("kling-v1", "first_frame", resolution="720p", first_frame=image(FRAME),
                      options={"static_mask": "https://m.example/s.png", "cfg_scale": 0.7}),
                "/v1/videos/image2video",
                {
                    "model_name": "kling-v1", "prompt": "A girl turns.", "mode": "std", "duration": "5",
                    "image": base64.b64encode(FRAME).decode(), "static_mask": "https://m.example/s.png",
                    "cfg_scale": 0.7,
                },
            ),
        }  # fmt: skip

    def refusals(self) -> Mapping[str, Refusal]:
        return {
            "inside HTTP 200": Refusal(
                answer=answer(None, 1303), error=ConcurrencyLimited, retryable=True, refused=True
            ),
            "1301": Refusal(
                answer=answer(None, 1301, 400), error=ContentRejected, retryable=False, refused=True
            ),
            "5002": Refusal(
                answer=answer(None, 5002, 504),
                error=ProviderUnavailable,
                retryable=True,
                refused=False,
                billed=None,
            ),
        }

    def reports(self) -> Mapping[str, Report]:
        def told(status: str, **fields: Any) -> Respond:
            return lambda _: answer(task(status, **fields))

        return {
            "queued": Report(answer=told("submitted"), state="queued"),
            "running": Report(answer=told("processing"), state="running"),
            "succeed": Report(
                answer=told("succeed", task_result=VIDEOS, final_unit_deduction="2.5"),
                state="succeeded",
                usage=Usage(units=Decimal("2.5")),
            ),
            "the other spelling": Report(answer=told("succeeded"), state="succeeded"),
            "failed": Report(answer=told("failed", task_status_msg="oops"), state="failed", error=JobFailed),
            "moderated": Report(
                answer=told("failed", task_status_msg="内容违规", final_unit_deduction="0"),
                state="failed",
                error=ContentRejected,
                usage=Usage(units=Decimal(0)),
            ),
            "failed and billed": Report(
                answer=told("failed", final_unit_deduction="2.5"),
                state="failed",
                error=JobFailed,
                billed=True,
                usage=Usage(units=Decimal("2.5")),
            ),
            "not known": Report(answer=lambda _: NOT_FOUND, state="missing", error=JobExpired, billed=None),
        }

    def unknown_status(self) -> Respond:
        return lambda _: answer(task("paused"))

    def deliveries(self) -> Respond:
        return lambda _: answer(task("succeed", task_result=VIDEOS))

    def gone(self) -> Respond:
        return lambda _: NOT_FOUND

    def lost(self) -> Respond:
        def found(request: Request) -> Response:
            assert str(request.url) == f"/v1/videos/text2video/{TAG}"
            return answer(task("submitted"))

        return found

    def not_found(self) -> Respond:
        return lambda _: NOT_FOUND

    def unsendable(self) -> Sequence[tuple[Order, Attempt]]:
        face = OrderReference(name="lin", images=(image(FRAME),))
        orders = [
            order(options={"duration": "10"}),
            order(options={"mode": "std"}),
            order(options={"model": "kling-v1"}),
            order("kling-v2-6", audio=True, options={"voice_list": [{"voice_id": "1"}]}),
            order(audio=True),
            order(duration=Decimal("5.5")),
            order(cuts=(Cut("a", 2), Cut("b", 3))),
            order(references=(face,)),
            order(mode="references", references=(face,)),
            order(mode="first_frame"),
            order(first_frame=image(FRAME)),
            order("kling-v2-6", audio=True, dialogue=(Line("She", "Hi", voice="1"),)),
        ]
        return [(each, ATTEMPT) for each in orders]

    def callback(self) -> tuple[Delivery, Sequence[str]]:
        return Delivery(headers={}, body=json.dumps(task("succeed")).encode()), [JOB]


@pytest.mark.parametrize("move", get_args(Move))
def test_a_move_is_a_field_or_words_and_never_both(move: Move) -> None:
    body = body_of(order("kling-v1", resolution="720p", camera=Camera(move, speed="fast")))
    if "camera_control" in body:
        (amount,) = body["camera_control"]["config"].values()
        assert abs(amount) == 8
        assert body["prompt"] == "A girl turns."
    else:
        assert len(body["prompt"]) > len("A girl turns.")


@pytest.mark.parametrize(
    ("move", "config"),
    [
        ("truck_left", {"horizontal": -5}),
        ("pedestal_up", {"vertical": 5}),
        ("pan_right", {"pan": 5}),
        ("tilt_down", {"tilt": -5}),
        ("roll", {"roll": 5}),
        ("zoom_out", {"zoom": 5}),
    ],
)
def test_the_axes_are_those_of_the_chinese_page(move: Move, config: dict[str, int]) -> None:
    body = body_of(order("kling-v1", resolution="720p", camera=Camera(move)))
    assert body["camera_control"] == {"type": "simple", "config": config}


@pytest.mark.parametrize(
    "changed",
    [
        {"resolution": "1080p"},
        {"duration": Decimal(10)},
        {"options": {"camera_control": {"type": "forward_up"}}},
    ],
)
def test_where_the_field_is_not_taken_the_move_is_told_in_words(changed: dict[str, Any]) -> None:
    given: dict[str, Any] = {"resolution": "720p", "camera": Camera("pan_left")} | changed
    body = body_of(order("kling-v1", **given))
    assert body["prompt"] == "A girl turns. The camera pans left."
    assert body.get("camera_control") == changed.get("options", {}).get("camera_control")


def test_a_last_frame_excludes_the_camera_field() -> None:
    asked = order(
        "kling-v1-5", "first_last_frame", first_frame=image(FRAME), last_frame=image(TAIL), camera=Camera("roll")
    )  # fmt: skip
    assert "camera_control" not in body_of(asked)
    alone = asked.model_copy(update={"last_frame": None, "mode": "first_frame"})
    assert body_of(alone)["camera_control"]["config"] == {"roll": 5}


def test_what_could_not_be_sent_is_refused_by_the_plan() -> None:
    for asked, _ in TestKlingLegacyContract().unsendable():
        with pytest.raises(InvalidShot):
            KlingAdapter().wording(asked)


def test_both_generations_in_one_poll_are_asked_each_its_way() -> None:
    new = Ticket(id="n1", route=route("kling-3.0"), data={"protocol": "new"})
    tickets = [ticket("l1"), new, ticket("l2", product="image2video")]

    def respond(request: Request) -> Response:
        if request.url.path == "/tasks":
            return answer([{"id": "n1", "status": "processing"}])
        return answer(task("succeed", task_id=request.url.path.rpartition("/")[2]))

    heard = Heard(respond)
    told = drive(KlingAdapter().poll(tickets), heard)
    assert [str(request.url) for request in heard.requests] == [
        "/tasks?task_ids=n1",
        "/v1/videos/text2video/l1",
        "/v1/videos/image2video/l2",
    ]
    assert {job: status.state for job, status in told.items()} == {
        "n1": "running",
        "l1": "succeeded",
        "l2": "succeeded",
    }


def test_one_bad_answer_hides_no_other_job() -> None:
    tickets = [ticket("l1"), ticket("l2")]
    answers = in_turn(Response(502, html="<html>"), answer(task(task_id="l2")))
    assert set(drive(KlingAdapter().poll(tickets), answers)) == {"l2"}
    with pytest.raises(ProviderUnavailable):
        drive(KlingAdapter().poll(tickets), lambda _: Response(502, html="<html>"))


def test_only_the_words_not_found_end_a_job() -> None:
    for other in (
        answer(None, 1201, 400, "task_id is invalid"),
        answer(None, 1203, 404, "not found"),
        Response(404, html="not found"),
        answer(task("succeed", task_id="another")),
    ):
        with pytest.raises((InvalidShot, ProviderUnavailable)):
            drive(KlingAdapter().poll([ticket()]), always(other))
        got = drive(KlingAdapter().find(order(), ATTEMPT), always(other))
        assert not isinstance(got, Absent)
    with pytest.raises(AuthError):
        drive(KlingAdapter().poll([ticket()]), lambda _: answer(None, 1002, 401))


def test_a_job_with_another_tag_is_not_ours() -> None:
    stranger = answer(task(task_info={"external_task_id": "another"}))
    assert isinstance(drive(KlingAdapter().find(order(), ATTEMPT), lambda _: stranger), Unsure)
    untold = answer(task(task_info={}))
    assert drive(KlingAdapter().find(order(), ATTEMPT), lambda _: untold) == ticket()


def test_cash_without_a_currency_is_not_booked_as_nothing() -> None:
    cash = {"quota": "2.5", "list_price": "2.5"}
    assert polled(status="succeed", final_unit_deduction="0", final_balance_deduction=cash).usage is None
    failed = polled(status="failed", final_unit_deduction="0", final_balance_deduction=cash)
    assert failed.error is not None
    assert failed.error.billed is True


def test_a_number_where_text_is_documented_is_read_too() -> None:
    assert polled(status="succeed", final_unit_deduction=2.5).usage == Usage(units=Decimal("2.5"))
    assert polled(status="succeed", final_unit_deduction=None).usage is None


@pytest.mark.parametrize(
    "result", [None, {}, {"videos": []}, {"videos": ["junk"]}, {"videos": [{"url": None}]}]
)
def test_a_finished_job_without_a_file_is_asked_again(result: object) -> None:
    with pytest.raises(ProviderUnavailable):
        drive(KlingAdapter().deliver(ticket()), lambda _: answer(task("succeed", task_result=result)))


def test_a_failed_job_has_no_file() -> None:
    with pytest.raises(JobFailed):
        drive(KlingAdapter().deliver(ticket()), lambda _: answer(task("failed")))
    with pytest.raises(AuthError):
        drive(KlingAdapter().deliver(ticket()), lambda _: answer(None, 1002, 401))


def test_an_id_stays_inside_its_path() -> None:
    heard = Heard(lambda _: NOT_FOUND)
    drive(KlingAdapter().poll([ticket("../x?y=1")]), heard)
    assert str(heard.requests[0].url) == "/v1/videos/text2video/..%2Fx%3Fy%3D1"
