"""fal: what is sent, what is read, and the traps of its queue."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256, sha512
from typing import Any

import pytest
from httpx import Request, Response

from dramagen.adapters.base import HOST, Adapter, Attempt, Delivery, Notice, Secret, Status, Ticket, Unsure
from dramagen.adapters.fal import FalAdapter
from dramagen.adapters.fal_answers import TYPES
from dramagen.adapters.fal_find import MOST_PAGES
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Input, Order, OrderReference
from dramagen.catalog.route import Route
from dramagen.errors import (
    AuthError,
    ConcurrencyLimited,
    ContentRejected,
    InsufficientBalance,
    InvalidShot,
    JobExpired,
    JobFailed,
    ProviderUnavailable,
    RateLimited,
)
from dramagen.shot import Camera, Line
from dramagen.testing import AdapterContract, Golden, Heard, Refusal, Report, Respond, always, drive, in_turn
from dramagen.testing.examples import plain_order

CATALOG = Catalog.load()
ID = "764cabcf-b745-4b3e-ae38-1200304cf45b"
CREATED = 1_795_348_800.0
FRAME = Input(sha256="a" * 64, media_type="image/png", size=3, width=720, height=1280)
OTHER = Input(sha256="b" * 64, media_type="image/jpeg", size=3, width=720, height=1280)
PNG, JPG = "data:image/png;base64,cG5n", "data:image/jpeg;base64,anBn"
ATTEMPT = Attempt(
    tag="k3v9x2m7q1z8b4n6c5l0d9f8",
    created=CREATED,
    sent_until=CREATED + 20,
    inputs={FRAME.sha256: b"png", OTHER.sha256: b"jpg"},
)
APP = "fal-ai/kling-video"
LINK = "https://v3b.fal.media/files/b/clip.mp4"


def order(model: str = "kling-3.0", mode: str = "text", **changes: Any) -> Order:
    route = Route(provider="fal", region="intl", model=model)
    return plain_order(CATALOG.model("fal", model), route, mode, **changes)


def queued(id_: str = ID, app: str = APP) -> Response:
    base = f"https://queue.fal.run/{app}/requests/{id_}"
    return Response(
        200,
        json={
            "request_id": id_,
            "status": "IN_QUEUE",
            "queue_position": 0,
            "status_url": f"{base}/status",
            "response_url": base,
            "cancel_url": f"{base}/cancel",
        },
    )


def detail(status: int, kind: str, message: str = "no", *where: str, **headers: str) -> Response:
    """A model error."""
    item = {"loc": ["body", *where], "msg": message, "type": kind}
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Response(status, json={"detail": [item]}, headers=named)


def request_error(status: int, kind: str | None, message: str = "no", **headers: str) -> Response:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    body = {"detail": message} | ({"error_type": kind} if kind else {})
    return Response(status, json=body, headers=named)


RESULT = Response(
    200,
    json={"video": {"url": LINK, "content_type": "video/mp4", "file_name": "clip.mp4"}, "seed": 42},
    headers={"x-fal-billable-units": "5.0", "x-fal-request-id": "f-1"},
)
MISSING = Response(404, json={"detail": "Request not found"})


def talk(status: Mapping[str, Any] | Response, result: Response | None = None) -> Respond:
    """Answers to a status request, and to a result's."""

    def respond(request: Request) -> Response:
        if request.url.path.endswith("/status"):
            if isinstance(status, Response):
                return Response(status.status_code, headers=status.headers, content=status.content)
            return Response(200 if status.get("status") == "COMPLETED" else 202, json=status)
        if result is None:
            return request_error(400, None, "Request is still in progress")
        return Response(result.status_code, headers=result.headers, content=result.content)

    return respond


DONE = {"status": "COMPLETED", "logs": [], "metrics": {"inference_time": 71.2}}


def ticket(id_: str = ID) -> Ticket:
    return Ticket(id=id_, route=order().route, data={"app": APP})


def polled(status: Mapping[str, Any] | Response, result: Response | None = None) -> Status:
    return drive(FalAdapter().poll([ticket()]), talk(status, result))[ID]


def sent_for(asked: Order, attempt: Attempt = ATTEMPT) -> Request:
    heard = Heard(in_turn(queued()))
    drive(FalAdapter().submit(asked, attempt), heard)
    (request,) = heard.requests
    return request


def stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def item(asked: Order, id_: str = ID, at: float = CREATED + 3, **changes: Any) -> dict[str, Any]:
    shown = json.loads(sent_for(asked).content)
    return {
        "request_id": id_, "endpoint_id": asked.wire["endpoint"]["720p"], "sent_at": stamp(at),
        "started_at": stamp(at + 1), "ended_at": stamp(at + 90), "status_code": 200, "json_input": shown,
    } | changes  # fmt: skip


def page(*items: Mapping[str, Any], more: str | None = None) -> Response:
    return Response(200, json={"items": list(items), "next_cursor": more, "has_more": more is not None})


def looked(*pages: Response, asked: Order | None = None) -> Any:
    return drive(FalAdapter().find(asked or order(), ATTEMPT), in_turn(*pages))


class TestContract(AdapterContract):
    def adapter(self) -> Adapter:
        return FalAdapter()

    def goldens(self) -> Mapping[str, Golden]:
        def golden(asked: Order, path: str, app: str, **body: Any) -> Golden:
            return Golden(
                order=asked,
                attempt=ATTEMPT,
                path=f"/{path}",
                body={"prompt": "雨夜，女主推门而入。"} | body,
                accept=lambda _: queued(app=app),
                id=ID,
            )

        seedance, kling4 = "bytedance/seedance-2.0", "fal-ai/kling-video/v4"
        people = (
            OrderReference(name="林晚", images=(FRAME,)),
            OrderReference(name="沈舟", images=(OTHER,)),
        )
        return {
            "kling 3.0 text": golden(
                order(audio=True), f"{APP}/v3/standard/text-to-video", APP,
                duration="5", generate_audio=True, aspect_ratio="9:16",
            ),
            "kling 3.0 pro first frame": golden(
                order("kling-3.0", "first_frame", resolution="1080p", first_frame=FRAME, negative_prompt="雾"),
                f"{APP}/v3/pro/image-to-video", APP,
                duration="5", generate_audio=False, start_image_url=PNG, negative_prompt="雾",
            ),
            "kling 2.5 two frames": golden(
                order("kling-2.5-turbo", "first_last_frame", first_frame=FRAME, last_frame=OTHER),
                f"{APP}/v2.5-turbo/pro/image-to-video", APP, duration="5", image_url=PNG, tail_image_url=JPG,
            ),
            "kling 4.0 references": golden(
                order("kling-4.0", "references", prompt="@林晚看着@沈舟", references=people),
                f"{kling4}/reference-to-video", APP, prompt="@Image1 看着@Image2。", duration=5, resolution="720p",
                aspect_ratio="9:16", image_urls=[PNG, JPG],
            ),
            "seedance text": golden(
                order("seedance-2.5", seed=7, camera=Camera("push_in", "slow")),
                "bytedance/seedance-2.5/text-to-video", "bytedance/seedance-2.5",
                prompt="雨夜，女主推门而入。镜头缓慢向前推进。", duration="5", resolution="480p", aspect_ratio="9:16",
                generate_audio=False, seed=7,
            ),
            "seedance first frame": golden(
                order("seedance-2.0", "first_frame", first_frame=FRAME), f"{seedance}/image-to-video", seedance,
                duration="5", resolution="480p", aspect_ratio="auto", generate_audio=False, image_url=PNG,
            ),
            "seedance references": golden(
                order("seedance-2.0", "references", prompt="@林晚看着@沈舟", references=people),
                f"{seedance}/reference-to-video", seedance, prompt="@Image1 看着@Image2。", duration="5",
                resolution="480p", aspect_ratio="9:16", generate_audio=False, image_urls=[PNG, JPG],
            ),
            "wan": golden(
                order("wan-3.0"), "alibaba/wan-3.0/text-to-video", "alibaba/wan-3.0",
                duration=5, resolution="480p", aspect_ratio="9:16",
            ),
            "wan two frames": golden(
                order("wan-3.0", "first_last_frame", first_frame=FRAME, last_frame=OTHER),
                "alibaba/wan-3.0/image-to-video", "alibaba/wan-3.0",
                duration=5, resolution="480p", aspect_ratio="adaptive", start_image_url=PNG, end_image_url=JPG,
            ),
            "h3": golden(
                order("minimax-h3", resolution="768p"), "minimax/h3/text-to-video", "minimax/h3",
                duration=5, resolution="768P", aspect_ratio="9:16",
            ),
            "hailuo": golden(
                order("hailuo-2.3", "first_frame", first_frame=FRAME, camera=Camera("push_in")),
                "fal-ai/minimax/hailuo-2.3/standard/image-to-video", "fal-ai/minimax",
                prompt="雨夜，女主推门而入。[Push in]", duration="6", image_url=PNG, prompt_optimizer=False,
            ),
            "vidu": golden(
                order("viduq3-pro", dialogue=(Line("女主", "谁？"),), audio=True), "fal-ai/vidu/q3/text-to-video",
                "fal-ai/vidu", prompt='雨夜，女主推门而入。女主说："谁？"', duration=5, resolution="360p",
                aspect_ratio="9:16", audio=True,
            ),
        }  # fmt: skip

    def refusals(self) -> Mapping[str, Refusal]:
        def refusal(answer: Response, error: Any, retryable: bool = False, **also: Any) -> Refusal:
            return Refusal(answer=answer, error=error, retryable=retryable, refused=True, also=also or None)

        return {
            "invalid": refusal(detail(422, "missing", "Field required", "prompt"), InvalidShot, code="missing"),
            "one of": refusal(detail(422, "one_of", "bad", "duration"), InvalidShot),
            "picture": refusal(detail(422, "image_too_small", "small", "image_url"), InvalidShot),
            "moderated": refusal(
                detail(422, "content_policy_violation", "flagged", "prompt"), ContentRejected, stage="input",
                field="prompt",
            ),
            "type in the header": refusal(
                request_error(400, None, x_fal_error_type="bad_request"), InvalidShot, code="bad_request"
            ),
            "key": refusal(request_error(401, None, "Authentication is required"), AuthError),
            "forbidden": refusal(request_error(403, None, "No access to application"), AuthError),
            "locked": refusal(
                request_error(403, None, "User is locked. Reason: Exhausted balance."), InsufficientBalance
            ),
            "no such endpoint": refusal(request_error(404, None, "Application not found"), InvalidShot),
            "too many at once": refusal(
                request_error(429, "concurrent_requests_limit"), ConcurrencyLimited, True
            ),
            "too many": refusal(
                request_error(429, None, retry_after="7"), RateLimited, True, retry_after=7.0
            ),
            "no balance": refusal(request_error(402, None), InsufficientBalance),
            "outage": Refusal(
                answer=request_error(500, "internal_error"), error=ProviderUnavailable, retryable=False,
                refused=False, billed=None,
            ),
        }  # fmt: skip

    def reports(self) -> Mapping[str, Report]:
        def failed(answer: Response, kind: Any, billed: bool | None, **status: Any) -> Report:
            return Report(answer=talk(DONE | status, answer), state="failed", error=kind, billed=billed)

        return {
            "running": Report(answer=talk({"status": "IN_PROGRESS", "logs": []}), state="running"),
            "queued": Report(answer=talk({"status": "IN_QUEUE", "queue_position": 3}), state="queued"),
            "done": Report(answer=talk(DONE, RESULT), state="succeeded", seed=42),
            "completed is not success": failed(detail(422, "image_load_error"), JobFailed, None),
            "moderated input": failed(
                detail(422, "content_policy_violation", "flagged", "prompt"), ContentRejected, None
            ),
            "moderated output": failed(detail(422, "no_media_generated"), ContentRejected, None),
            "not billed by its units": failed(
                detail(422, "image_load_error", x_fal_billable_units="0"), JobFailed, False
            ),
            "billed by its units": failed(
                detail(422, "no_media_generated", x_fal_billable_units="5"), ContentRejected, True
            ),
            "model's failure": failed(detail(500, "internal_server_error"), JobFailed, False),
            "runner": failed(request_error(503, "runner_disconnected"), JobFailed, False),
            "too slow": failed(request_error(504, "generation_timeout"), JobFailed, False),
            "named by its status alone": failed(
                Response(500, json={}), JobFailed, False, error="died", error_type="startup_timeout"
            ),
            "canceled": Report(
                answer=talk(DONE, request_error(499, "client_cancelled")),
                state="canceled",
                error=JobFailed,
                billed=None,
            ),
            "asked too early": Report(
                answer=talk(DONE, request_error(400, None, "Request is still in progress")), state="running"
            ),
            "unknown": Report(answer=talk(MISSING), state="missing", error=JobExpired, billed=None),
            "its result is gone": Report(
                answer=talk(DONE, MISSING), state="missing", error=JobExpired, billed=None
            ),
        }

    def unknown_status(self) -> Respond:
        return talk({"status": "PAUSED"})

    def deliveries(self) -> Respond:
        return talk(DONE, RESULT)

    def gone(self) -> Respond:
        return lambda _: MISSING

    def canceled(self) -> Mapping[bool, Respond]:
        stopped = talk(DONE, request_error(499, "client_cancelled"))

        def worked(request: Request) -> Response:
            if request.method == "PUT":
                return Response(202, json={"status": "CANCELLATION_REQUESTED"})
            return stopped(request)

        return {True: worked, False: lambda _: Response(400, json={"status": "ALREADY_COMPLETED"})}

    def lost(self) -> Respond | None:
        return lambda _: page(item(order(audio=True)))

    def unsendable(self) -> list[tuple[Order, Attempt]]:
        return [
            (order("kling-4.0", seed=1), ATTEMPT),
            (order(options={"multi_prompt": []}), ATTEMPT),
            (order("kling-3.0", "first_frame", first_frame=FRAME), replace(ATTEMPT, inputs={})),
            (order(resolution="480p"), ATTEMPT),
        ]

    def callback(self) -> tuple[Delivery, list[str]] | None:
        return signed({"request_id": ID, "gateway_request_id": "g-2", "status": "OK", "payload": {}}), [ID]

    def keyring(self) -> Respond:
        return lambda _: KEYRING


# --- signing, as fal does ------------------------------------------------------------------------------------

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
BASE = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    4 * pow(5, -1, P) % P,
)


def times(number: int, point: tuple[int, int]) -> tuple[int, int]:
    d, result = -121665 * pow(121666, -1, P) % P, (0, 1)

    def add(p: tuple[int, int], q: tuple[int, int]) -> tuple[int, int]:
        cross = d * p[0] * q[0] * p[1] * q[1] % P
        x = (p[0] * q[1] + p[1] * q[0]) * pow(1 + cross, -1, P) % P
        return x, (p[1] * q[1] + p[0] * q[0]) * pow(1 - cross, -1, P) % P

    for bit in bin(number)[2:]:
        result = add(result, result)
        result = add(result, point) if bit == "1" else result
    return result


def encoded(point: tuple[int, int]) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def pair(seed: bytes) -> tuple[int, bytes, bytes]:
    digest = sha512(seed).digest()
    secret = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    return secret, digest[32:], encoded(times(secret, BASE))


def sign(message: bytes, seed: bytes) -> bytes:
    secret, prefix, key = pair(seed)
    nonce = int.from_bytes(sha512(prefix + message).digest(), "little") % L
    commitment = encoded(times(nonce, BASE))
    challenge = int.from_bytes(sha512(commitment + key + message).digest(), "little") % L
    return commitment + ((nonce + challenge * secret) % L).to_bytes(32, "little")


def jwk(seed: bytes, **more: Any) -> dict[str, Any]:
    x = base64.urlsafe_b64encode(pair(seed)[2]).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig"} | more


NOW = 1_795_000_000.0
NEW, OLD = b"new key".ljust(32), b"old key".ljust(32)
KEYRING = Response(200, json={"keys": [jwk(OLD, kid="old"), {"kty": "RSA", "n": "x"}, jwk(NEW)]})


def signed(body: Mapping[str, Any], seed: bytes = NEW, at: float = NOW) -> Delivery:
    raw = json.dumps(body).encode()
    message = "\n".join([ID, "user-1", str(int(at)), sha256(raw).hexdigest()]).encode()
    return Delivery(
        headers={
            "x-fal-webhook-request-id": ID,
            "x-fal-webhook-user-id": "user-1",
            "x-fal-webhook-timestamp": str(int(at)),
            "x-fal-webhook-signature": sign(message, seed).hex(),
        },
        body=raw,
    )


def received(delivery: Delivery, now: float = NOW) -> Notice:
    adapter = FalAdapter()
    keys = drive(adapter.keys(), lambda _: KEYRING)
    return adapter.receive(delivery, keys, Secret(), now)


@pytest.mark.parametrize("seed", [OLD, NEW])
def test_every_key_of_the_set_is_tried(seed: bytes) -> None:
    assert received(signed({"request_id": ID, "status": "OK"}, seed)) == Notice([ID], signed=True)


def test_a_callback_is_refused_unless_all_of_it_was_signed() -> None:
    good = signed({"request_id": ID, "status": "ERROR"})
    headers = dict(good.headers)
    for spoilt in (
        replace(good, body=good.body + b" "),
        signed({"request_id": ID}, b"another key".ljust(32)),
        *(replace(good, headers={**headers, name: value}) for name, value in (
            ("x-fal-webhook-request-id", "another"), ("x-fal-webhook-user-id", "user-2"),
            ("x-fal-webhook-timestamp", str(int(NOW) - 1)), ("x-fal-webhook-timestamp", "soon"),
            ("x-fal-webhook-signature", "zz"), ("x-fal-webhook-signature", ""),
        )),
        *(replace(good, headers={k: v for k, v in headers.items() if k != name}) for name in headers),
    ):  # fmt: skip
        with pytest.raises(AuthError):
            received(spoilt)


@pytest.mark.parametrize(("late", "fine"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_five_minutes_of_leeway(late: float, fine: bool) -> None:
    delivery = signed({"request_id": ID})
    if fine:
        assert received(delivery, NOW + late).jobs == [ID]
    else:
        with pytest.raises(AuthError, match="clock"):
            received(delivery, NOW + late)


def test_keys_come_from_another_host_and_nonsense_gives_none() -> None:
    heard = Heard(lambda _: KEYRING)
    keys = drive(FalAdapter().keys(), heard)
    assert list(keys) == ["old", "2"]
    assert (heard.requests[0].url.path, heard.requests[0].extensions[HOST]) == (
        "/.well-known/jwks.json",
        "rest",
    )
    for answer in (Response(500), Response(200, html="<html>"), Response(200, json={"keys": [1, {"x": 2}]})):
        assert drive(FalAdapter().keys(), always(answer)) == {}


# --- creates -------------------------------------------------------------------------------------------------


def test_a_create_forbids_another_endpoint_and_a_second_run() -> None:
    headers = sent_for(order()).headers
    assert headers["x-app-fal-disable-fallback"] == "true"
    assert headers["x-fal-no-retry"] == "1"
    assert "x-fal-store-io" not in headers  # a lost create is found by what is stored


def test_the_callback_goes_into_the_query() -> None:
    hook = "https://hooks.example.invalid/fal?studio=1&take=2"
    request = sent_for(order(), replace(ATTEMPT, callback_url=hook))
    assert request.url.params["fal_webhook"] == hook
    assert list(request.url.params) == ["fal_webhook"]
    assert "fal_webhook" not in str(sent_for(order()).url)


@pytest.mark.parametrize(
    ("status_url", "app"),
    [
        (f"https://queue.fal.run/{APP}/requests/{ID}/status", APP),
        (f"http://127.0.0.1:8900/fal/{APP}/requests/{ID}/status", APP),
        (f"https://queue.fal.run/{APP}/v3/standard/requests/{ID}/status", f"{APP}/v3/standard"),
        (f"https://evil.example/other/app/requests/{ID}/status", APP),
        (f"https://evil.example/{APP}/requests/another/status", APP),
        ("https://[bad", APP),
        (None, APP),
        (7, APP),
    ],
)
def test_a_ticket_keeps_a_path_and_never_a_host(status_url: object, app: str) -> None:
    made = Response(200, json={"request_id": ID, "status_url": status_url})
    found = drive(FalAdapter().submit(order(), ATTEMPT), in_turn(made))
    assert found.data == {"app": app}
    heard = Heard(talk({"status": "IN_QUEUE"}))
    drive(FalAdapter().poll([found]), heard)
    assert str(heard.requests[0].url) == f"/{app}/requests/{ID}/status"


def test_workflows_keep_three_segments() -> None:
    asked = order(wire={**order().wire, "endpoint": "workflows/me/mine/fast"})
    found = drive(FalAdapter().submit(asked, ATTEMPT), in_turn(Response(200, json={"request_id": ID})))
    assert found.data == {"app": "workflows/me/mine"}


# --- answers -------------------------------------------------------------------------------------------------


def test_units_are_kept_and_not_priced() -> None:
    status = polled(DONE, RESULT)
    assert status.usage is None
    assert status.ticket.data == {"app": APP, "billable_units": "5.0", "fal_request_id": "f-1"}
    for odd in ("NaN", "-1", "1e999", "five", ""):
        result = Response(200, content=RESULT.content, headers={"x-fal-billable-units": odd})
        assert polled(DONE, result).ticket.data == {"app": APP}


def test_a_completed_job_whose_result_is_out_of_reach_has_no_verdict() -> None:
    for result in (Response(502, html="<html>Bad Gateway"), Response(503, json={}), Response(200, json={})):
        with pytest.raises(ProviderUnavailable):
            polled(DONE, result)


def test_a_moderated_input_names_its_field() -> None:
    error = polled(DONE, detail(422, "content_policy_violation", "flagged", "image_url")).error
    assert isinstance(error, ContentRejected)
    assert (error.stage, error.field) == ("input", "image_url")
    for answer in (detail(422, "content_policy_violation"), detail(422, "no_media_generated", "x", "prompt")):
        error = polled(DONE, answer).error
        assert isinstance(error, ContentRejected)
        assert (error.stage, error.field) == ("output", None)


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_a_verdict_of_a_completed_job(kind: str) -> None:
    for answer in (detail(422, kind), request_error(503, kind)):
        status = polled(DONE, answer)
        assert status.state in ("failed", "canceled")
        assert isinstance(status.error, JobFailed | ContentRejected)
        assert status.error.code == kind


def test_one_job_out_of_reach_does_not_hide_another() -> None:
    two = [ticket("one"), ticket("two")]

    def respond(request: Request) -> Response:
        if "/one/" in request.url.path:
            return Response(503, html="<html>")
        return Response(202, json={"status": "IN_QUEUE"})

    assert drive(FalAdapter().poll(two), respond).keys() == {"two"}


def test_a_request_to_stop_is_no_promise() -> None:
    def respond(request: Request) -> Response:
        if request.method == "PUT":
            return Response(202, json={"status": "CANCELLATION_REQUESTED"})
        return Response(202, json={"status": "IN_PROGRESS"})

    assert drive(FalAdapter().cancel(ticket()), respond) is False


def test_only_a_public_link_is_a_clip() -> None:
    for url in ("file:///etc/passwd", "", None, 7, "/relative", "https://"):
        with pytest.raises(ProviderUnavailable):
            polled(DONE, Response(200, json={"video": {"url": url}}))


def test_a_download_of_an_unfinished_or_failed_job_says_so() -> None:
    early = request_error(400, None, "Request is still in progress")
    with pytest.raises(ProviderUnavailable, match="not finished"):
        drive(FalAdapter().deliver(ticket()), lambda _: early)
    with pytest.raises(JobFailed):
        drive(FalAdapter().deliver(ticket()), lambda _: detail(422, "image_load_error"))


def test_an_outage_while_a_finished_clip_is_asked_for_is_no_verdict() -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        drive(FalAdapter().deliver(ticket()), lambda _: detail(500, "internal_server_error"))
    assert caught.value.retryable


# --- looking for a lost create ---------------------------------------------------------------------------------


def test_the_list_is_asked_for_the_time_and_the_endpoint_at_its_own_host() -> None:
    heard = Heard(in_turn(page(more="Mg=="), page(item(order()))))
    found = drive(FalAdapter().find(order(), ATTEMPT), heard)
    assert isinstance(found, Ticket)
    assert (found.id, found.data) == (ID, {"app": APP})
    first, second = heard.requests
    assert first.url.path == "/v1/models/requests/by-endpoint"
    assert first.extensions[HOST] == "api"
    assert dict(first.url.params) == {
        "endpoint_id": f"{APP}/v3/standard/text-to-video",
        "start": stamp(CREATED - 60),
        "expand": "payloads",
        "limit": "100",
    }
    assert second.url.params["cursor"] == "Mg=="


@pytest.mark.parametrize(
    "changes",
    [
        {"sent_at": stamp(CREATED - 100)},
        {"sent_at": stamp(CREATED + 100)},
        {"sent_at": None},
        {"sent_at": "yesterday"},
        {"endpoint_id": "fal-ai/another"},
        {"json_input": None},
        {"json_input": {"prompt": "雨夜，女主推门而入。"}},
    ],
    ids=str,
)
def test_another_request_is_not_taken_for_ours(changes: dict[str, Any]) -> None:
    assert isinstance(looked(page(item(order()) | changes)), Unsure)


def test_two_alike_and_an_empty_list_settle_nothing() -> None:
    both = looked(page(item(order(), "one"), item(order(), "two")))
    assert isinstance(both, Unsure)
    assert "2 requests" in both.why
    nothing = looked(page())
    assert isinstance(nothing, Unsure)
    assert "still runs" in nothing.why


@pytest.mark.parametrize(
    "answer",
    [
        Response(403, json={"detail": "Forbidden"}),
        Response(200, json={"requests": []}),
        Response(200, json={"items": [{"request_id": ""}]}),
        Response(200, json={"items": [], "has_more": True}),
        Response(200, json=[]),
    ],
    ids=lambda answer: answer.text,
)
def test_what_is_no_list_settles_nothing(answer: Response) -> None:
    assert isinstance(looked(answer), Unsure)


def test_a_list_without_end_is_left() -> None:
    found = drive(FalAdapter().find(order(), ATTEMPT), in_turn(*[page(more="x")] * MOST_PAGES))
    assert isinstance(found, Unsure)
    assert "longer" in found.why


# --- the key -------------------------------------------------------------------------------------------------


def test_a_key_may_come_in_two_parts() -> None:
    request = Request("GET", "/x")
    FalAdapter().sign(request, Secret(access="id", secret="part"), NOW)
    assert request.headers["authorization"] == "Key id:part"
    with pytest.raises(AuthError, match="FAL_KEY"):
        FalAdapter().sign(Request("GET", "/x"), Secret(), NOW)


def test_a_probe_tells_a_good_key_from_a_bad_one() -> None:
    prices = Response(200, json={"prices": [{"endpoint_id": "x", "unit_price": 0.126, "unit": "second"}]})
    assert drive(FalAdapter().probe(), lambda _: prices).valid
    bad = drive(FalAdapter().probe(), lambda _: request_error(401, None, "Invalid key"))
    assert isinstance(bad.error, AuthError)
    empty = drive(FalAdapter().probe(), lambda _: request_error(403, None, "Exhausted balance"))
    assert isinstance(empty.error, InsufficientBalance)
