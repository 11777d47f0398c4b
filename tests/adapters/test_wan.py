"""Wan over DashScope: what is sent, what is read, and every trap of its protocols."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from httpx import Request, Response
from hypothesis import given
from hypothesis import strategies as st

from dramagen.adapters.base import PAID, Adapter, Attempt, Delivery, Secret, Ticket, Usage
from dramagen.adapters.wan import DashScopeAdapter
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
from dramagen.shot import Camera, Cut, Line
from dramagen.testing import AdapterContract, Golden, Heard, Refusal, Report, Respond, drive, in_turn

CREATE = "/api/v1/services/aigc/video-generation/video-synthesis"
FRAMES = "/api/v1/services/aigc/image2video/video-synthesis"
CN = Route(provider="wan", region="cn", model="wan-3.0")
ID = "5b0e6c1e-1111-4222-8333-abcdefabcdef"
TAG = "k3v9x2m7q1z8b4n6c5l0d9f8"
CREATED = 1_795_312_800.0

PICTURE = Input(sha256="a" * 64, media_type="image/png", size=14, width=720, height=1280)
OTHER = Input(sha256="b" * 64, media_type="image/jpg", size=3, width=720, height=1280)
SOUND = Input(sha256="c" * 64, media_type="audio/mp3", size=3, duration=3.0)
MOVIE = Input(sha256="d" * 64, media_type="video/mp4", size=3, duration=3.0)
BYTES = {
    PICTURE.sha256: b"\x89PNG two pixels",
    OTHER.sha256: b"jpg",
    SOUND.sha256: b"mp3",
    MOVIE.sha256: b"mp4",
}
PNG = "data:image/png;base64,iVBORyB0d28gcGl4ZWxz"
JPG = "data:image/jpeg;base64,anBn"
ATTEMPT = Attempt(tag=TAG, created=CREATED, sent_until=CREATED + 30, inputs=BYTES)

STORE = "https://dashscope-file-mgr.oss-cn-beijing.aliyuncs.com"
FOLDER = "dashscope-instant/52af/2026-11-22/e1da"
TICKET = {
    "policy": "eyJl", "signature": "g5K2=", "upload_dir": FOLDER, "upload_host": STORE, "expire_in_seconds": 300,
    "max_file_size_mb": 100, "capacity_limit_mb": 999999999, "oss_access_key_id": "LTAI5t",
    "x_oss_object_acl": "private", "x_oss_forbid_overwrite": "true",
}  # fmt: skip


def put_up(medium: Input, extension: str) -> str:
    return f"oss://{FOLDER}/{medium.sha256[:32]}.{extension}"


WAN3 = {"protocol": "wan3", "model": "wan3.0-video"}
WAN27 = {
    "protocol": "wan2.7",
    "models": {"text": "wan2.7-t2v", "first_frame": "wan2.7-i2v", "first_last_frame": "wan2.7-i2v",
               "references": "wan2.7-r2v"},
    "media": "upload",
}  # fmt: skip
WAN26 = {
    "protocol": "legacy",
    "models": {"text": "wan2.6-t2v", "first_frame": "wan2.6-i2v", "references": "wan2.6-r2v"},
}
WAN22 = {
    "protocol": "legacy",
    "models": {"first_frame": "wan2.2-i2v-flash", "first_last_frame": "wan2.2-kf2v-flash"},
}
HORSE = {
    "protocol": "wan2.7",
    "models": {"text": "happyhorse-1.0-t2v", "references": "happyhorse-1.0-r2v"},
    "image": "[Image {}]",
}


def order(mode: Mode = "text", wire: Mapping[str, Any] = WAN3, **changes: Any) -> Order:
    fields: dict[str, Any] = {
        "route": CN,
        "wire": wire,
        "mode": mode,
        "prompt": "雨夜，女主推门而入",
        "duration": Decimal(5),
        "resolution": "720p",
        "aspect_ratio": "9:16",
        "width": 720,
        "height": 1280,
        "audio": True,
    }
    return Order(**(fields | changes))


def accepting(request: Request) -> Response:
    """Tickets for uploads, room for files, and a job."""
    if request.url.path == "/api/v1/uploads":
        return Response(200, json={"request_id": "u1", "data": TICKET})
    if request.url.host:
        return Response(200)
    return Response(200, json={"request_id": "7c9f", "output": {"task_id": ID, "task_status": "PENDING"}})


def sent(order_: Order, attempt: Attempt = ATTEMPT) -> Request:
    heard = Heard(accepting)
    drive(DashScopeAdapter().submit(order_, attempt), heard)
    return heard.requests[-1]


def body_of(order_: Order, attempt: Attempt = ATTEMPT) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(sent(order_, attempt).content)
    return body


def always(body: Any, status: int = 200, **headers: str) -> Respond:
    return lambda _: Response(status, json=body, headers=headers)


def output(**fields: Any) -> dict[str, Any]:
    told = {"task_id": ID, "task_status": "RUNNING", "submit_time": "2026-11-22 10:00:00.120"} | fields
    return {"request_id": "a1", "output": told}


DONE = output(
    task_status="SUCCEEDED",
    scheduled_time="2026-11-22 10:00:02.310",
    end_time="2026-11-22 10:02:24.900",
    orig_prompt="雨夜，女主推门而入。",
    video_url="https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/x/y.mp4?Expires=1&Signature=sesame",
) | {"usage": {"video_count": 1, "duration": 5.0, "output_video_duration": 5.0, "SR": 720, "ratio": "9:16"}}


def refusal(code: str, message: str = "no.") -> dict[str, str]:
    return {"code": code, "message": message, "request_id": "r1"}


def ticket() -> Ticket:
    return Ticket(id=ID, route=CN)


ERRORS: Sequence[tuple[int, str, type[DramagenError], bool]] = (
    (400, "InvalidParameter", InvalidShot, False),
    (400, "InvalidParameter.Something", InvalidShot, False),
    (400, "InvalidParameter.DataInspection", InvalidShot, True),
    (400, "BadRequest.EmptyInput", InvalidShot, False),
    (400, "BadRequest.EmptyParameters", InvalidShot, False),
    (400, "BadRequest.EmptyModel", InvalidShot, False),
    (400, "BadRequest.IllegalInput", InvalidShot, False),
    (400, "BadRequest.InputDownloadFailed", InvalidShot, False),
    (400, "BadRequest.TooLarge", InvalidShot, False),
    (400, "InvalidURL", InvalidShot, False),
    (400, "InvalidFile.Format", InvalidShot, False),
    (400, "InvalidFile.AspectRatio", InvalidShot, False),
    (400, "InvalidImage.Format", InvalidShot, False),
    (400, "InvalidImageResolution", InvalidShot, False),
    (400, "InvalidImageFormat", InvalidShot, False),
    (400, "UnsupportedOperation", DramagenError, False),
    (403, "AccessDenied", AuthError, False),
    (401, "InvalidApiKey", AuthError, False),
    (401, "invalid_api_key", AuthError, False),
    (401, "NOT AUTHORIZED", AuthError, False),
    (403, "AccessDenied.Unpurchased", AuthError, False),
    (403, "Model.AccessDenied", AuthError, False),
    (403, "Workspace.AccessDenied", AuthError, False),
    (403, "App.AccessDenied", AuthError, False),
    (403, "Endpoint.AccessDenied", AuthError, False),
    (404, "ModelNotFound", AuthError, False),
    (404, "model_not_found", AuthError, False),
    (400, "Model.NotExist", AuthError, False),
    (400, "Arrearage", InsufficientBalance, False),
    (429, "PrepaidBillOverdue", InsufficientBalance, False),
    (429, "PostpaidBillOverdue", InsufficientBalance, False),
    (429, "CommodityNotPurchased", AuthError, False),
    (403, "AllocationQuota.FreeTierOnly", QuotaExhausted, False),
    (400, "DataInspectionFailed", ContentRejected, False),
    (400, "data_inspection_failed", ContentRejected, False),
    (400, "IPInfringementSuspect", ContentRejected, False),
    (400, "CustomRoleBlocked", ContentRejected, False),
    (400, "FaqRuleBlocked", ContentRejected, False),
    (429, "Throttling", RateLimited, True),
    (429, "Throttling.RateQuota", RateLimited, True),
    (429, "Throttling.BurstRate", RateLimited, True),
    (429, "Throttling.AllocationQuota", RateLimited, True),
    (429, "LimitRequests", RateLimited, True),
    (429, "limit_requests", RateLimited, True),
    (429, "limit_burst_rate", RateLimited, True),
    (429, "insufficient_quota", RateLimited, True),
    (400, "SomethingNew", InvalidShot, False),
    (404, "SomethingNew", AuthError, False),
    (429, "SomethingNew", RateLimited, True),
)
"""Every 4xx row of the vendor's table: HTTP status, code, our error, whether the same call may work later."""

OUTAGES = (
    (500, "InternalError"), (500, "InternalError.Algo"), (500, "InternalError.Upload"),
    (500, "InternalError.FileUpload"), (500, "InternalError.Timeout"), (500, "SystemError"),
    (500, "ModelServiceFailed"), (500, "RewriteFailed"), (500, "RequestTimeOut"), (500, "ModelServingError"),
    (503, "ModelServingError"), (503, "ModelUnavailable"), (503, "ServiceUnavailable"), (500, "SomethingNew"),
)  # fmt: skip


class TestContract(AdapterContract):
    def adapter(self) -> Adapter:
        return DashScopeAdapter()

    def goldens(self) -> Mapping[str, Golden]:
        def golden(order_: Order, body: dict[str, Any], path: str = CREATE) -> Golden:
            return Golden(order=order_, attempt=ATTEMPT, path=path, body=body, accept=accepting, id=ID)

        lin = OrderReference(name="林夏", images=(PICTURE, OTHER), voice=SOUND)
        roof = OrderReference(name="天台", images=(PICTURE,), kind="scene")
        her = OrderReference(name="Lin", images=(PICTURE,))
        switch = WAN26 | {"audio_switch": True}
        walk = "@林夏 走上 @天台"
        return {
            "wan3 text": golden(
                order(camera=Camera("push_in", "slow"), dialogue=(Line("她", "你终于来了。"),), seed=42),
                {
                    "model": "wan3.0-video",
                    "input": {"prompt": '雨夜，女主推门而入。镜头缓慢推进。她说："你终于来了。"'},
                    "parameters": {
                        "resolution": "720P", "ratio": "9:16", "duration": 5, "audio": True, "watermark": False,
                        "seed": 42,
                    },
                },
            ),
            "wan3 first and last frame": golden(
                order("first_last_frame", first_frame=PICTURE, last_frame=OTHER, aspect_ratio=None, audio=False),
                {
                    "model": "wan3.0-video",
                    "input": {
                        "prompt": "雨夜，女主推门而入。",
                        "media": [{"type": "first_frame", "url": PNG}, {"type": "last_frame", "url": JPG}],
                    },
                    "parameters": {
                        "resolution": "720P", "ratio": "adaptive", "duration": 5, "audio": False,
                        "watermark": False,
                    },
                },
            ),
            "wan3 references": golden(
                order("references", prompt=walk, references=(lin, roof), duration=Decimal(12)),
                {
                    "model": "wan3.0-video",
                    "input": {
                        "prompt": "图1 走上 图3。图2与图1是同一个，图1的音色参考音频1。",
                        "media": [
                            {"type": "reference_image", "url": PNG},
                            {"type": "reference_image", "url": JPG},
                            {"type": "reference_image", "url": PNG},
                            {"type": "reference_audio", "url": put_up(SOUND, "mp3")},
                        ],
                    },
                    "parameters": {
                        "resolution": "720P", "ratio": "9:16", "duration": 12, "audio": True, "watermark": False,
                    },
                },
            ),
            "wan2.7 text": golden(
                order(wire=WAN27, negative_prompt="文字", options={"prompt_extend": False, "audio_url": "https://a/b"}),
                {
                    "model": "wan2.7-t2v",
                    "input": {
                        "prompt": "雨夜，女主推门而入。", "negative_prompt": "文字", "audio_url": "https://a/b",
                    },
                    "parameters": {
                        "resolution": "720P", "ratio": "9:16", "duration": 5, "watermark": False,
                        "prompt_extend": False,
                    },
                },
            ),
            "wan2.7 first and last frame": golden(
                order("first_last_frame", WAN27, first_frame=PICTURE, last_frame=OTHER, aspect_ratio=None),
                {
                    "model": "wan2.7-i2v",
                    "input": {
                        "prompt": "雨夜，女主推门而入。",
                        "media": [
                            {"type": "first_frame", "url": put_up(PICTURE, "png")},
                            {"type": "last_frame", "url": put_up(OTHER, "jpg")},
                        ],
                    },
                    "parameters": {"resolution": "720P", "duration": 5, "watermark": False},
                },
            ),
            "wan2.7 references": golden(
                order("references", WAN27, prompt=walk, references=(lin, roof), first_frame=OTHER, aspect_ratio=None),
                {
                    "model": "wan2.7-r2v",
                    "input": {
                        "prompt": "图1 走上 图3。图2与图1是同一个。",
                        "media": [
                            {
                                "type": "reference_image", "url": put_up(PICTURE, "png"),
                                "reference_voice": put_up(SOUND, "mp3"),
                            },
                            {"type": "reference_image", "url": put_up(OTHER, "jpg")},
                            {"type": "reference_image", "url": put_up(PICTURE, "png")},
                            {"type": "first_frame", "url": put_up(OTHER, "jpg")},
                        ],
                    },
                    "parameters": {"resolution": "720P", "duration": 5, "watermark": False},
                },
            ),
            "happyhorse references": golden(
                order("references", HORSE, prompt="@Lin walks", references=(her,)),
                {
                    "model": "happyhorse-1.0-r2v",
                    "input": {
                        "prompt": "[Image 1] walks.", "media": [{"type": "reference_image", "url": PNG}],
                    },
                    "parameters": {"resolution": "720P", "ratio": "9:16", "duration": 5, "watermark": False},
                },
            ),
            "legacy text with cuts": golden(
                order(wire=WAN26, cuts=(Cut("推门", 2), Cut("特写", 3)), negative_prompt="文字"),
                {
                    "model": "wan2.6-t2v",
                    "input": {
                        "prompt": "雨夜，女主推门而入。\n镜头1 [0-2秒] 推门。\n镜头2 [2-5秒] 特写。",
                        "negative_prompt": "文字",
                    },
                    "parameters": {
                        "size": "720*1280", "duration": 5, "watermark": False, "shot_type": "multi",
                        "prompt_extend": True,
                    },
                },
            ),
            "legacy first frame with a switch for sound": golden(
                order("first_frame", switch, first_frame=PICTURE, aspect_ratio=None, audio=False),
                {
                    "model": "wan2.6-i2v",
                    "input": {"prompt": "雨夜，女主推门而入。", "img_url": PNG},
                    "parameters": {"resolution": "720P", "duration": 5, "watermark": False, "audio": False},
                },
            ),
            "legacy references": golden(
                order(
                    "references", WAN26 | {"media": "upload"}, prompt="@林夏走来",
                    references=(OrderReference(name="林夏", images=(PICTURE, OTHER)),),
                ),
                {
                    "model": "wan2.6-r2v",
                    "input": {
                        "prompt": "character1 走来。character2与character1是同一个。",
                        "reference_urls": [put_up(PICTURE, "png"), put_up(OTHER, "jpg")],
                    },
                    "parameters": {"size": "720*1280", "duration": 5, "watermark": False},
                },
            ),
            "legacy first and last frame": golden(
                order(
                    "first_last_frame", WAN22 | {"path": "image2video"}, first_frame=PICTURE, last_frame=OTHER,
                    aspect_ratio=None, audio=False,
                ),
                {
                    "model": "wan2.2-kf2v-flash",
                    "input": {"prompt": "雨夜，女主推门而入。", "first_frame_url": PNG, "last_frame_url": JPG},
                    "parameters": {"resolution": "720P", "watermark": False},
                },
                FRAMES,
            ),
        }  # fmt: skip

    def refusals(self) -> Mapping[str, Refusal]:
        def row(status: int, body: Any, error: type[DramagenError], retryable: bool, **also: Any) -> Refusal:
            return Refusal(
                answer=Response(status, json=body),
                error=error,
                retryable=retryable,
                refused=400 <= status < 500,
                billed=False if 400 <= status < 500 else None,
                also=also,
            )

        rows = {
            f"{status} {code}": row(status, refusal(code), error, retryable, code=code, request_id="r1")
            for status, code, error, retryable in ERRORS
        }
        rows |= {
            f"{status} {code}": row(status, refusal(code), ProviderUnavailable, True)
            for status, code in OUTAGES
        }
        rows |= {
            words: row(
                400, refusal("DataInspectionFailed", words), ContentRejected, retry, stage=stage, field=field
            )
            for words, stage, field, retry in (
                ("Input text data may contain inappropriate content.", "input", "prompt", False),
                ("Input image data may contain inappropriate content.", "input", "image", False),
                ("Input data may contain inappropriate content.", "input", None, False),
                ("Input or output data may contain inappropriate content.", "input", None, False),
                ("Output data may contain inappropriate content.", "output", None, True),
            )
        }
        return rows | {
            "free quota": row(
                429,
                refusal("Throttling.AllocationQuota", "Free allocated quota exceeded."),
                QuotaExhausted,
                False,
            ),
            "too many at once": row(
                429, refusal("Throttling", "too many concurrent requests"), ConcurrencyLimited, True
            ),
            "200 with an error code": row(200, refusal("Arrearage"), InsufficientBalance, False),
            "OpenAI's form": row(
                401, {"error": {"code": "invalid_api_key", "message": "no", "type": "x"}}, AuthError, False
            ),
            "OpenAI's form without a code": row(
                429, {"error": {"type": "limit_requests", "message": "no"}}, RateLimited, True
            ),
        }

    def reports(self) -> Mapping[str, Report]:
        def failed(
            code: str, message: str, error: type[DramagenError] = JobFailed, *, billed: bool | None = False
        ) -> Report:
            told = output(task_status="FAILED", code=code, message=message)
            return Report(answer=always(told), state="failed", error=error, billed=billed)

        mixed = (
            "The two modes are mutually exclusive. Do not pass reference_xx and first_frame at the same time."
        )
        return {
            "running": Report(answer=always(output()), state="running"),
            "pending": Report(answer=always(output(task_status="PENDING")), state="queued"),
            "suspended": Report(answer=always(output(task_status="SUSPENDED")), state="queued"),
            "done": Report(answer=always(DONE), state="succeeded", usage=Usage(seconds=Decimal(5))),
            "failed inside a 200": failed("InternalError.Algo", "inference internal error."),
            "late validation": failed("InvalidParameter", mixed),
            "timeout": failed("InternalError.Timeout", "no result in 3 h"),
            "moderated": failed("DataInspectionFailed", "Output data may contain …", ContentRejected),
            "a new code": failed("SomethingNew", "?"),
            "failed without a reason": Report(
                answer=always(output(task_status="FAILED")), state="failed", error=JobFailed
            ),
            "canceled": Report(
                answer=always(output(task_status="CANCELED")), state="canceled", error=JobFailed
            ),
            "unknown after a day": Report(
                answer=always({"request_id": "a", "output": {"task_id": ID, "task_status": "UNKNOWN"}}),
                state="missing",
                error=JobExpired,
                billed=None,
            ),
        }

    def unknown_status(self) -> Respond:
        return always(output(task_status="THINKING"))

    def deliveries(self) -> Respond:
        return always(DONE)

    def gone(self) -> Respond:
        return always(output(task_status="UNKNOWN"))

    def canceled(self) -> Mapping[bool, Respond]:
        late = refusal("UnsupportedOperation", "Failed to cancel the task")
        return {True: always({"request_id": "c1"}), False: always(late, 400)}

    def lost(self) -> Respond | None:
        def respond(request: Request) -> Response:
            if request.url.path.endswith(ID):
                body = DONE["output"] | {
                    "orig_prompt": '雨夜，女主推门而入。镜头缓慢推进。她说："你终于来了。"'
                }
                return Response(200, json={"request_id": "g", "output": body})
            made = int(CREATED * 1000) + 120
            entry = {"task_id": ID, "status": "SUCCEEDED", "model_name": "wan3.0-video", "gmt_create": made}
            return Response(200, json={"request_id": "l", "total": 1, "data": [entry]})

        return respond

    def not_found(self) -> Respond | None:
        return always({"request_id": "l", "total": 0, "total_page": 0, "data": []})

    def unsendable(self) -> Sequence[tuple[Order, Attempt]]:
        heard = OrderReference(name="她", voice=SOUND)
        shown = OrderReference(name="她", images=(PICTURE,))
        frames: dict[str, Any] = {"first_frame": PICTURE, "aspect_ratio": None}
        orders = [
            order(duration=Decimal("5.5")),
            order(seed=2**31),
            order(wire={"protocol": "wan4", "model": "wan4"}),
            order(wire=WAN27, negative_prompt="字" * 501),
            order("references", references=(shown,), **frames),
            order("references", WAN27, references=(heard,)),
            order("references", WAN27, references=(shown,), last_frame=OTHER, **frames),
            order("references", WAN26, references=(shown,), first_frame=PICTURE),
            order(
                "references", WAN26, references=(OrderReference(name="她", images=(PICTURE,), voice=SOUND),)
            ),
            order("first_frame", last_frame=PICTURE),
            order("first_frame", WAN27, last_frame=PICTURE),
            order("first_frame", WAN26, last_frame=PICTURE),
            order(wire=WAN26, width=None, height=None),
            order(wire=WAN26, cuts=(Cut("a", 2), Cut("b", 3)), options={"prompt_extend": False}),
        ]
        taken = ("resolution", "size", "duration", "media", "shot_type", "model", "template", "n")
        orders += [order(options={name: "x"}) for name in taken]
        empty = Attempt(tag=TAG, created=CREATED)
        return [(each, ATTEMPT) for each in orders] + [(order("first_frame", **frames), empty)]

    def callback(self) -> tuple[Delivery, Sequence[str]] | None:
        event = {
            "id": "e1", "source": "acs.dashscope", "type": "dashscope:System:AsyncTaskFinish", "specversion": "1.0",
            "data": {"task_id": ID, "task_status": "SUCCEEDED", "contain_result": False},
        }  # fmt: skip
        return Delivery(headers={}, body=json.dumps(event).encode()), [ID]


# --- the create -----------------------------------------------------------------------------------------------


def test_a_create_says_that_it_will_not_wait() -> None:
    request = sent(order())
    assert request.headers["x-dashscope-async"] == "enable"
    assert "x-dashscope-ossresourceresolve" not in request.headers


@pytest.mark.parametrize("wire", [WAN3, WAN27, WAN26, HORSE], ids=["wan3", "wan2.7", "legacy", "happyhorse"])
@pytest.mark.parametrize("tier", ["480p", "720p", "1080p"])
def test_tier_length_and_watermark_are_always_said(wire: Mapping[str, Any], tier: str) -> None:
    """The vendor's own defaults are the dearest tier, and for HappyHorse a watermark."""
    body = body_of(order(wire=wire, resolution=tier))
    parameters = body["parameters"]
    assert ("size" in parameters) or parameters["resolution"] == tier.upper()
    assert parameters["duration"] == 5
    assert parameters["watermark"] is False
    assert ("size" in parameters) is (wire is WAN26)


def test_fields_of_another_protocol_are_never_sent() -> None:
    assert {"negative_prompt"} & body_of(order(negative_prompt="字"))["input"].keys() == set()
    assert {"audio", "size", "shot_type"} & body_of(order(wire=WAN27))["parameters"].keys() == set()
    assert {"ratio", "resolution", "audio"} & body_of(order(wire=WAN26))["parameters"].keys() == set()
    assert {"prompt_extend", "audio"} & body_of(order(wire=HORSE))["parameters"].keys() == set()


def test_a_model_the_user_named_is_sent_in_place_of_the_cards() -> None:
    """A card of one's own, made ``like`` one with several models, gives a single id."""
    assert body_of(order(wire=WAN27 | {"model": "wan2.7-t2v-2026-06-12"}))["model"] == "wan2.7-t2v-2026-06-12"


def test_a_watermark_may_be_asked_for() -> None:
    assert body_of(order(options={"watermark": True}))["parameters"]["watermark"] is True


# --- uploads --------------------------------------------------------------------------------------------------


def framed(**changes: Any) -> Order:
    return order("first_frame", WAN27, first_frame=PICTURE, aspect_ratio=None, **changes)


def test_an_upload_is_a_ticket_and_a_form_and_neither_is_paid() -> None:
    heard = Heard(accepting)
    drive(DashScopeAdapter().submit(framed(), ATTEMPT), heard)
    ask, put, paid = heard.requests
    assert (ask.method, str(ask.url)) == ("GET", "/api/v1/uploads?action=getPolicy&model=wan2.7-i2v")
    assert (put.method, str(put.url)) == ("POST", STORE)
    assert [bool(r.extensions.get(PAID)) for r in heard.requests] == [False, False, True]
    assert paid.headers["x-dashscope-ossresourceresolve"] == "enable"
    assert "authorization" not in put.headers


def test_the_form_holds_the_documented_fields_in_order_and_the_file_last() -> None:
    heard = Heard(accepting)
    drive(DashScopeAdapter().submit(framed(), ATTEMPT), heard)
    form = heard.requests[1]
    assert form.headers["content-type"] == f"multipart/form-data; boundary=dramagen-{TAG}"
    parts = form.content.split(f"--dramagen-{TAG}".encode())[1:-1]
    names = [part.split(b'name="')[1].split(b'"')[0].decode() for part in parts]
    assert names == [
        "OSSAccessKeyId", "Signature", "policy", "key", "x-oss-object-acl", "x-oss-forbid-overwrite",
        "success_action_status", "x-oss-content-type", "file",
    ]  # fmt: skip
    assert parts[-1].endswith(b"\r\n\r\n" + BYTES[PICTURE.sha256] + b"\r\n")
    assert f"{FOLDER}/{PICTURE.sha256[:32]}.png".encode() in parts[3]


def test_one_picture_named_twice_goes_up_once() -> None:
    heard = Heard(accepting)
    twice = order("first_last_frame", WAN27, first_frame=PICTURE, last_frame=PICTURE, aspect_ratio=None)
    drive(DashScopeAdapter().submit(twice, ATTEMPT), heard)
    assert len(heard.requests) == 3


def test_a_file_already_there_is_the_same_file() -> None:
    there = Response(409, text="<Error><Code>FileAlreadyExists</Code></Error>")
    answers = in_turn(Response(200, json={"data": TICKET}), there, accepting(Request("POST", CREATE)))
    assert drive(DashScopeAdapter().submit(framed(), ATTEMPT), answers).id == ID


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([Response(401, json=refusal("InvalidApiKey"))], AuthError),
        ([Response(200, json={"data": {}})], ProviderUnavailable),
        ([Response(200, json={"data": TICKET | {"upload_host": "file:///etc"}})], ProviderUnavailable),
        ([Response(200, json={"data": TICKET | {"max_file_size_mb": 0}})], InvalidShot),
        ([Response(200, json={"data": TICKET}), Response(403, text="<Error/>")], ProviderUnavailable),
        ([Response(200, json={"data": TICKET}), Response(409, text="<Error/>")], ProviderUnavailable),
    ],
)
def test_where_an_upload_fails_nothing_is_bought(
    answers: Sequence[Response], error: type[DramagenError]
) -> None:
    heard = Heard(in_turn(*answers))
    with pytest.raises(error) as caught:
        drive(DashScopeAdapter().submit(framed(), ATTEMPT), heard)
    assert not any(r.extensions.get(PAID) for r in heard.requests)
    assert caught.value.billed is not True


# --- reading --------------------------------------------------------------------------------------------------


def test_an_answer_about_another_job_says_nothing() -> None:
    with pytest.raises(DramagenError):
        drive(DashScopeAdapter().poll([ticket()]), always(output(task_id="another", task_status="FAILED")))


def test_the_link_is_good_for_a_day_from_the_end_in_chinas_time() -> None:
    found = drive(DashScopeAdapter().deliver(ticket()), always(DONE))
    assert found.expires == pytest.approx(1_795_312_944.9 + 86_400)
    silent = {"request_id": "a", "output": {**DONE["output"], "end_time": "soon"}}
    assert drive(DashScopeAdapter().deliver(ticket()), always(silent)).expires is None


def test_a_success_without_a_link_is_asked_about_again() -> None:
    bare = output(task_status="SUCCEEDED")
    with pytest.raises(ProviderUnavailable) as caught:
        drive(DashScopeAdapter().deliver(ticket()), always(bare))
    assert caught.value.billed is None


def test_why_a_job_failed_is_kept() -> None:
    told = output(task_status="FAILED", code="DataInspectionFailed", message="Output data may contain it")
    status = drive(DashScopeAdapter().poll([ticket()]), always(told))[ID]
    assert isinstance(status.error, ContentRejected)
    assert (status.error.stage, status.error.code, status.error.request_id) == (
        "output", "DataInspectionFailed", "a1",
    )  # fmt: skip


def test_a_create_may_answer_that_it_runs_already() -> None:
    running = always({"request_id": "r", "output": {"task_id": ID, "task_status": "RUNNING"}})
    assert drive(DashScopeAdapter().submit(order(), ATTEMPT), running).id == ID


def test_a_plans_key_is_refused_before_it_is_sent() -> None:
    for key, words in ((None, "needs an API key"), ("sk-sp-0123", "subscription plan")):
        with pytest.raises(AuthError, match=words):
            DashScopeAdapter().sign(Request("GET", "/"), Secret(key=key), 0.0)


def test_a_probe_tells_a_good_key_from_another_regions() -> None:
    good = drive(DashScopeAdapter().probe(), always({"request_id": "l", "total": 0, "data": []}))
    assert (good.valid, good.error) == (True, None)
    bad = drive(DashScopeAdapter().probe(), always(refusal("InvalidApiKey"), 401))
    assert not bad.valid
    assert "another region" in str(bad.error)


JSONS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["output", "task_id", "task_status", "code", "message", "data", "total", "error"]
            ),
            inner,
        )
    ),
    max_leaves=8,
)


@given(body=JSONS, status=st.sampled_from([200, 400, 403, 404, 429, 500]))
def test_whatever_is_answered_only_typed_errors_come_out(body: Any, status: int) -> None:
    adapter = DashScopeAdapter()
    flows: list[Any] = [
        adapter.submit(order(), ATTEMPT), adapter.submit(framed(), ATTEMPT), adapter.poll([ticket()]),
        adapter.find(order(), ATTEMPT), adapter.deliver(ticket()), adapter.cancel(ticket()), adapter.probe(),
    ]  # fmt: skip
    for flow in flows:
        try:
            drive(flow, always(body, status))
        except DramagenError:
            continue
