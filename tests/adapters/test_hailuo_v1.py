"""Hailuo 2.3, 02 and the 01 series: errors inside HTTP 200, three steps to a file, commands in brackets."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from httpx import Request, Response

from dramagen.adapters.base import Adapter, Attempt, Delivery, Ticket, Unsure
from dramagen.adapters.hailuo import MinimaxAdapter
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

CREATE, QUERY, RETRIEVE = "/v1/video_generation", "/v1/query/video_generation", "/v1/files/retrieve"
INTL = Route(provider="hailuo", region="intl", model="hailuo-2.3")
ID, FILE = "106916112212099", "176844028768999"

PICTURE = Input(sha256="a" * 64, media_type="image/png", size=3, width=1280, height=720)
OTHER = Input(sha256="b" * 64, media_type="image/webp", size=3, width=1280, height=720)
BYTES = {PICTURE.sha256: b"png", OTHER.sha256: b"web"}
PNG, WEBP = "data:image/png;base64,cG5n", "data:image/webp;base64,d2Vi"
ATTEMPT = Attempt(tag="k3v9x2m7q1z8b4n6c5l0d9f8", created=0.0, inputs=BYTES)


def order(mode: Mode = "text", **changes: Any) -> Order:
    fields: dict[str, Any] = {
        "route": INTL,
        "wire": {"protocol": "v1", "model": "MiniMax-Hailuo-2.3"},
        "mode": mode,
        "prompt": "She turns to camera",
        "duration": Decimal(6),
        "resolution": "768p",
        "aspect_ratio": "16:9",
        "audio": False,
    }
    return Order(**(fields | changes))


def answer(status_code: int = 0, status_msg: str = "success", **body: Any) -> Response:
    return Response(
        200,
        json={"task_id": ID} | body | {"base_resp": {"status_code": status_code, "status_msg": status_msg}},
        headers={"trace-id": "t-1"},
    )


def always(response: Response) -> Respond:
    return lambda _: response


def delivered(request: Request, **changes: Any) -> Response:
    """Both steps to the link: the task names a file as text, the file's page has it as a number."""
    if request.url.path == QUERY:
        return answer(status="Success", file_id=FILE, video_width=1366, video_height=768)
    file = {
        "file_id": int(FILE),
        "bytes": 5_123_456,
        "filename": "output.mp4",
        "purpose": "video_generation",
        "download_url": "https://oss.example.invalid/o.mp4?sig=sesame",
    }
    base = {"base_resp": {"status_code": 0, "status_msg": "success"}}
    return Response(200, json={"file": file | changes} | base)


def ticket() -> Ticket:
    return Ticket(id=ID, route=INTL, data={"protocol": "v1"})


REFUSALS: tuple[tuple[int, type[DramagenError], bool], ...] = (
    (1002, RateLimited, True),
    (1004, AuthError, False),
    (1008, InsufficientBalance, False),
    (1026, ContentRejected, False),
    (1028, QuotaExhausted, False),
    (1030, QuotaExhausted, False),
    (1039, RateLimited, True),
    (1041, ConcurrencyLimited, True),
    (1042, InvalidShot, False),
    (2013, InvalidShot, False),
    (2038, AuthError, False),
    (2045, RateLimited, True),
    (2049, AuthError, False),
    (2056, QuotaExhausted, False),
    (2061, AuthError, False),
)
"""Every code that means no job was made: our error, and whether the same call may work later."""


class TestContract(AdapterContract):
    def adapter(self) -> Adapter:
        return MinimaxAdapter()

    def goldens(self) -> Mapping[str, Golden]:
        def golden(order_: Order, attempt: Attempt = ATTEMPT, **body: Any) -> Golden:
            return Golden(
                order=order_,
                attempt=attempt,
                path=CREATE,
                body=body,
                accept=always(answer()),
                id=ID,
            )

        return {
            "text": golden(
                order(),
                model="MiniMax-Hailuo-2.3",
                prompt="She turns to camera",
                duration=6,
                resolution="768P",
            ),
            "first frame and a camera command": golden(
                order(
                    "first_frame",
                    wire={"protocol": "v1", "model": "MiniMax-Hailuo-2.3-Fast"},
                    first_frame=PICTURE,
                    aspect_ratio=None,
                    camera=Camera("push_in", "slow"),
                    duration=Decimal(10),
                    options={"fast_pretreatment": True},
                ),
                Attempt(
                    tag="t" * 24, created=0.0, inputs=BYTES, callback_url="https://app.example.invalid/cb"
                ),
                model="MiniMax-Hailuo-2.3-Fast",
                prompt="She turns to camera. Slowly [Push in]",
                first_frame_image=PNG,
                duration=10,
                resolution="768P",
                prompt_optimizer=False,
                callback_url="https://app.example.invalid/cb",
                fast_pretreatment=True,
            ),
            "first and last frame, in Chinese": golden(
                order(
                    "first_last_frame",
                    wire={"protocol": "v1", "model": "MiniMax-Hailuo-02", "commands": "zh"},
                    prompt="她转身看向镜头",
                    first_frame=PICTURE,
                    last_frame=OTHER,
                    aspect_ratio=None,
                    resolution="1080p",
                    camera=Camera("truck_left"),
                ),
                model="MiniMax-Hailuo-02",
                prompt="她转身看向镜头。[左移]",
                first_frame_image=PNG,
                last_frame_image=WEBP,
                duration=6,
                resolution="1080P",
                prompt_optimizer=False,
            ),
            "one face": golden(
                order(
                    "references",
                    wire={"protocol": "v1", "model": "S2V-01", "bare": True},
                    prompt="@Lin walks",
                    references=(OrderReference(name="Lin", images=(PICTURE,)),),
                    resolution="720p",
                ),
                model="S2V-01",
                prompt="Lin walks",
                subject_reference=[{"type": "character", "image": [PNG]}],
            ),
        }

    def refusals(self) -> Mapping[str, Refusal]:
        def refused(code: int, error: type[DramagenError], retryable: bool, **more: Any) -> Refusal:
            return Refusal(
                answer=answer(code, "no", **({"task_id": ""} | more)),
                error=error,
                retryable=retryable,
                refused=True,
                also={"code": str(code), "vendor_message": "no", "request_id": "t-1"},
            )

        rows = {str(code): refused(code, error, retryable) for code, error, retryable in REFUSALS}
        rows |= {
            f"{code}, nobody knows": Refusal(
                answer=answer(code, "down", task_id=""),
                error=ProviderUnavailable,
                retryable=True,
                refused=False,
                billed=None,
                also={"code": str(code)},
            )
            for code in (1000, 1001, 1013, 1024, 1033)
        }
        unknown: dict[str, Any] = {"retryable": True, "refused": False, "billed": None}
        return rows | {
            "2013, no task_id": refused(2013, InvalidShot, False, task_id=None),
            "1008 with a status of its own": Refusal(
                answer=Response(402, json={"base_resp": {"status_code": 1008, "status_msg": "no"}}),
                error=InsufficientBalance,
                retryable=False,
                refused=True,
            ),
            "a number as text": Refusal(
                answer=Response(200, json={"base_resp": {"status_code": "1002", "status_msg": "no"}}),
                error=RateLimited,
                retryable=True,
                refused=True,
            ),
            "1027 at a create": Refusal(
                answer=answer(1027, "output", task_id=""),
                error=ContentRejected,
                retryable=False,
                refused=False,
                billed=None,
                also={"stage": "output"},
            ),
            "1002 on a 500": Refusal(
                answer=Response(500, json={"base_resp": {"status_code": 1002, "status_msg": "no"}}),
                error=ProviderUnavailable,
                **unknown,
            ),
            "a code nobody knows": Refusal(
                answer=answer(4711, "?", task_id=""), error=ProviderUnavailable, **unknown
            ),
        }

    def reports(self) -> Mapping[str, Report]:
        def failed(code: int, error: type[DramagenError], word: str = "Fail") -> Report:
            return Report(
                answer=always(answer(code, "no", status=word)), state="failed", error=error, billed=None
            )

        return {
            "running": Report(answer=always(answer(status="Processing")), state="running"),
            "preparing": Report(answer=always(answer(status="Preparing")), state="queued"),
            "queueing": Report(answer=always(answer(status="Queueing")), state="queued"),
            "done": Report(answer=always(answer(status="Success", file_id=FILE)), state="succeeded"),
            "failed": failed(0, JobFailed),
            "failed, as callbacks spell it": failed(0, JobFailed, "failed"),
            "failed inside": failed(1000, JobFailed),
            "moderated going in": failed(1026, ContentRejected),
            "moderated coming out": failed(1027, ContentRejected),
            "gone": Report(
                answer=always(answer(2013, "invalid params, task_id not found")),
                state="missing",
                error=JobExpired,
                billed=None,
            ),
        }

    def unknown_status(self) -> Respond:
        return always(answer(status="Unknown"))

    def deliveries(self) -> Respond:
        return delivered

    def gone(self) -> Respond:
        return always(answer(2013, "invalid params, task_id not found"))

    def unsendable(self) -> Any:
        face = OrderReference(name="a", images=(PICTURE,))
        bare = {"protocol": "v1", "model": "S2V-01", "bare": True}
        return [
            (order(duration=Decimal("5.5")), ATTEMPT),
            (order(audio=True), ATTEMPT),
            (order(seed=7), ATTEMPT),
            (order(negative_prompt="text"), ATTEMPT),
            (order(cuts=(Cut("a", 3), Cut("b", 3))), ATTEMPT),
            (order(camera=Camera("orbit_left")), ATTEMPT),
            (order(camera=Camera("roll")), ATTEMPT),
            (order("first_last_frame", last_frame=PICTURE), ATTEMPT),
            (order("references", references=(face,)), ATTEMPT),
            (order("references", references=(face, face), wire=bare), ATTEMPT),
            (order("references", references=(face,), first_frame=PICTURE, wire=bare), ATTEMPT),
            (order(options={"resolution": "1080P"}), ATTEMPT),
            (order(camera=Camera("static"), options={"prompt_optimizer": True}), ATTEMPT),
            (order("first_frame", first_frame=PICTURE), Attempt(tag="t", created=0.0)),
        ]

    def callback(self) -> Any:
        body = {"task_id": ID, "status": "success", "file_id": FILE, "base_resp": {"status_code": 0}}
        return Delivery(headers={}, body=json.dumps(body).encode()), [ID]


# Delivery


def test_the_file_is_asked_for_by_the_id_of_the_query() -> None:
    heard = Heard(delivered)
    download = drive(MinimaxAdapter().deliver(ticket()), heard)
    assert str(download.request.url) == "https://oss.example.invalid/o.mp4?sig=sesame"
    assert [str(request.url) for request in heard.requests] == [
        f"{QUERY}?task_id={ID}",
        f"{RETRIEVE}?file_id={FILE}",
    ]


def test_the_other_link_is_taken_where_the_first_is_none() -> None:
    other = "https://backup.example.invalid/o.mp4?sig=1"
    found = drive(
        MinimaxAdapter().deliver(ticket()),
        lambda request: delivered(request, download_url="", backup_download_url=other),
    )
    assert str(found.request.url) == other


def test_a_file_that_is_gone_is_an_expired_job() -> None:
    answers = in_turn(answer(status="Success", file_id=FILE), answer(2013, "invalid params, file_id"))
    with pytest.raises(JobExpired):
        drive(MinimaxAdapter().deliver(ticket()), answers)


@pytest.mark.parametrize(
    "page",
    [
        Response(200, json={"file": {"download_url": "https://x.invalid/y"}}),
        Response(200, json={"base_resp": {"status_code": 0}}),
        answer(1002, "rate limit"),
        Response(503),
    ],
)
def test_a_file_page_that_does_not_say_is_no_verdict(page: Response) -> None:
    answers = in_turn(answer(status="Success", file_id=FILE), page)
    with pytest.raises((ProviderUnavailable, RateLimited)):
        drive(MinimaxAdapter().deliver(ticket()), answers)


def test_an_unfinished_task_names_no_file() -> None:
    with pytest.raises(ProviderUnavailable):
        drive(MinimaxAdapter().deliver(ticket()), always(answer(status="Processing")))


def test_a_failed_task_says_why() -> None:
    with pytest.raises(ContentRejected) as caught:
        drive(MinimaxAdapter().deliver(ticket()), always(answer(1027, "output new_sensitive", status="Fail")))
    assert caught.value.stage == "output"


# Polling


@pytest.mark.parametrize("code", [1002, 1004, 1008, 2013, 2049])
def test_an_error_while_asking_is_no_verdict(code: int) -> None:
    """The same field says why a task failed, and why a question was not answered: the status tells them apart."""
    for more in ({}, {"status": "Processing"}, {"status": ""}):
        with pytest.raises(DramagenError) as caught:
            drive(MinimaxAdapter().poll([ticket()]), always(answer(code, "no", **more)))
        assert not isinstance(caught.value, JobFailed | JobExpired)


def test_an_answer_without_base_resp_is_not_a_success() -> None:
    """The vendor's own client fails such an answer; a job that was paid for is asked about again."""
    with pytest.raises(ProviderUnavailable):
        drive(
            MinimaxAdapter().poll([ticket()]),
            always(Response(200, json={"task_id": ID, "status": "Success", "file_id": FILE})),
        )


# Creating


def test_an_id_is_believed_whatever_else_is_said() -> None:
    made = drive(MinimaxAdapter().submit(order(), ATTEMPT), always(answer(1000, "unknown")))
    assert made == ticket()


def test_a_number_is_an_id_too() -> None:
    made = drive(MinimaxAdapter().submit(order(), ATTEMPT), always(answer(task_id=int(ID))))
    assert made.id == ID


def test_a_lost_create_cannot_be_looked_for() -> None:
    heard = Heard(always(Response(503)))
    assert isinstance(drive(MinimaxAdapter().find(order(), ATTEMPT), heard), Unsure)
    assert not heard.requests


def test_nothing_can_be_cancelled() -> None:
    heard = Heard(always(Response(503)))
    assert drive(MinimaxAdapter().cancel(ticket()), heard) is False
    assert not heard.requests


# Commands


@pytest.mark.parametrize("move", sorted(set(MOVES) - {"orbit_left", "orbit_right", "roll"}))
def test_every_command_is_one_the_vendor_lists(move: Any) -> None:
    english = {
        "Truck left", "Truck right", "Pan left", "Pan right", "Push in", "Pull out", "Pedestal up", "Pedestal down",
        "Tilt up", "Tilt down", "Zoom in", "Zoom out", "Shake", "Tracking shot", "Static shot",
    }  # fmt: skip
    chinese = {
        "左移", "右移", "左摇", "右摇", "推进", "拉远", "上升", "下降",
        "上摇", "下摇", "变焦推近", "变焦拉远", "晃动", "跟随", "固定",
    }  # fmt: skip
    said = MinimaxAdapter().wording(order(camera=Camera(move)))
    assert said.removeprefix("She turns to camera. [").removesuffix("]") in english
    zh = {"protocol": "v1", "model": "m", "commands": "zh"}
    said = MinimaxAdapter().wording(order(prompt="她转身", wire=zh, camera=Camera(move, "slow")))
    assert said.removeprefix("她转身。缓慢[").removesuffix("]") in chinese


@pytest.mark.parametrize(
    ("prompt", "obeyed"),
    [
        ("She turns [Push in], then holds [Static shot]", True),
        ("She turns [push in, tilt up]", True),
        ("她转身 [左移，上升]", True),
        ("She reads [a letter]", False),
        ("She turns", False),
    ],
)
def test_commands_in_the_prompt_are_not_written_away(prompt: str, obeyed: bool) -> None:
    heard = Heard(always(answer()))
    drive(MinimaxAdapter().submit(order(prompt=prompt), ATTEMPT), heard)
    body = json.loads(heard.requests[0].content)
    assert body.get("prompt_optimizer", True) is not obeyed
    assert body["prompt"] == prompt


def test_the_optimizer_can_be_turned_off_without_a_command() -> None:
    heard = Heard(always(answer()))
    drive(MinimaxAdapter().submit(order(options={"prompt_optimizer": False}), ATTEMPT), heard)
    assert json.loads(heard.requests[0].content)["prompt_optimizer"] is False


def test_silent_lines_are_no_reason_to_refuse() -> None:
    """A shot with dialogue films here only where silence was asked for; then its lines were left out before."""
    assert MinimaxAdapter().wording(order(dialogue=(Line("Lin", "Hi"),))) == "She turns to camera"
