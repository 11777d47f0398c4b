"""Replicate: what is sent, what is read, and the traps of predictions that are deleted within the hour."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from httpx import Request, Response

from dramagen.adapters.base import (
    PAID,
    Absent,
    Adapter,
    Attempt,
    Delivery,
    Notice,
    Secret,
    Status,
    Ticket,
    Unsure,
)
from dramagen.adapters.replicate import ReplicateAdapter
from dramagen.adapters.replicate_files import SMALL
from dramagen.adapters.replicate_find import MOST_PAGES
from dramagen.catalog.load import Catalog
from dramagen.catalog.order import Input, Order, OrderReference
from dramagen.catalog.route import Route
from dramagen.errors import (
    AuthError,
    ContentRejected,
    InsufficientBalance,
    InvalidShot,
    JobExpired,
    JobFailed,
    ProviderUnavailable,
    RateLimited,
)
from dramagen.testing import AdapterContract, Golden, Heard, Refusal, Report, Respond, always, drive, in_turn
from dramagen.testing.examples import plain_order

CATALOG = Catalog.load()
ID = "gm3qorzdhgbfurvjtvhg6dckhu"
CREATED = 1_795_348_800.0
MODEL = "kwaivgi/kling-v3-video"
FRAME = Input(sha256="a" * 64, media_type="image/png", size=3, width=720, height=1280)
OTHER = Input(sha256="b" * 64, media_type="image/jpeg", size=3, width=720, height=1280)
LARGE = Input(sha256="c" * 64, media_type="image/png", size=SMALL + 1, width=720, height=1280)
PNG, JPG = "data:image/png;base64,cG5n", "data:image/jpeg;base64,anBn"
ATTEMPT = Attempt(
    tag="k3v9x2m7q1z8b4n6c5l0d9f8",
    created=CREATED,
    sent_until=CREATED + 20,
    inputs={FRAME.sha256: b"png", OTHER.sha256: b"jpg", LARGE.sha256: b"x" * (SMALL + 1)},
)
LINK = "https://replicate.delivery/pbxt/clip.mp4"


def order(model: str = "kling-3.0", mode: str = "text", **changes: Any) -> Order:
    route = Route(provider="replicate", region="intl", model=model)
    return plain_order(CATALOG.model("replicate", model), route, mode, **changes)


def stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def prediction(**fields: Any) -> dict[str, Any]:
    shown = {"prompt": "雨夜，女主推门而入。", "duration": 5, "mode": "standard", "aspect_ratio": "9:16"}
    return {
        "id": ID, "model": MODEL, "version": "hidden", "status": "processing",
        "input": shown | {"generate_audio": False}, "output": None, "error": None, "logs": "",
        "created_at": stamp(CREATED + 3), "started_at": stamp(CREATED + 9), "completed_at": None,
        "data_removed": False, "source": "api",
        "urls": {"get": f"https://api.replicate.com/v1/predictions/{ID}"},
    } | fields  # fmt: skip


DONE = prediction(
    status="succeeded", output=LINK, completed_at=stamp(CREATED + 80), metrics={"predict_time": 71.4}
)


def made(**fields: Any) -> Response:
    return Response(201, json=prediction(status="starting", started_at=None, **fields))


def problem(status: int, title: str, words: str, **headers: str) -> Response:
    told = {"title": title, "detail": words, "status": status}
    return Response(status, json=told, headers={k.replace("_", "-"): v for k, v in headers.items()})


GONE = problem(404, "Not found", "Prediction not found")


def shown(**fields: Any) -> Respond:
    return lambda _: Response(200, json=prediction(**fields))


def ticket(id_: str = ID) -> Ticket:
    return Ticket(id=id_, route=order().route)


def polled(**fields: Any) -> Status:
    return drive(ReplicateAdapter().poll([ticket()]), shown(**fields))[ID]


def page(*items: Mapping[str, Any], following: object = None) -> Response:
    return Response(200, json={"results": list(items), "next": following, "previous": None})


def looked(*pages: Response, asked: Order | None = None) -> Any:
    return drive(ReplicateAdapter().find(asked or order(), ATTEMPT), in_turn(*pages))


class TestContract(AdapterContract):
    def adapter(self) -> Adapter:
        return ReplicateAdapter()

    def goldens(self) -> Mapping[str, Golden]:
        def golden(asked: Order, model: str, **shown: Any) -> Golden:
            return Golden(
                order=asked,
                attempt=ATTEMPT,
                path=f"/v1/models/{model}/predictions",
                body={"input": {"prompt": "雨夜，女主推门而入。"} | shown},
                accept=lambda _: made(),
                id=ID,
            )

        people = (
            OrderReference(name="林晚", images=(FRAME,)),
            OrderReference(name="沈舟", images=(OTHER,)),
        )
        named = order("seedance-2.0", "references", prompt="@林晚看着@沈舟", references=people)
        omni = order("kling-3.0-omni", "references", prompt="@林晚看着@沈舟", references=people)
        return {
            "kling 3.0 text": golden(
                order(), MODEL, duration=5, mode="standard", aspect_ratio="9:16", generate_audio=False
            ),
            "kling 3.0 two frames": golden(
                order("kling-3.0", "first_last_frame", resolution="1080p", first_frame=FRAME, last_frame=OTHER,
                      audio=True, negative_prompt="雾"),
                MODEL, duration=5, mode="pro", generate_audio=True, start_image=PNG, end_image=JPG,
                negative_prompt="雾",
            ),
            "kling omni references": golden(
                omni, "kwaivgi/kling-v3-omni-video", prompt="<<<image_1>>>看着<<<image_2>>>。", duration=5,
                mode="standard", aspect_ratio="9:16", generate_audio=False, reference_images=[PNG, JPG],
            ),
            "kling 4.0 first frame": golden(
                order("kling-4.0", "first_frame", first_frame=FRAME), "kwaivgi/kling-v4.0", duration=5,
                resolution="720p", start_image=PNG,
            ),
            "seedance references": golden(
                named, "bytedance/seedance-2.0", prompt="[Image1]看着[Image2]。", duration=5, resolution="480p",
                aspect_ratio="9:16", generate_audio=False, reference_images=[PNG, JPG],
            ),
            "seedance first frame": golden(
                order("seedance-2.5", "first_frame", first_frame=FRAME, seed=7), "bytedance/seedance-2.5",
                duration=5, resolution="480p", aspect_ratio="adaptive", generate_audio=False, seed=7, image=PNG,
            ),
            "wan": golden(
                order("wan-3.0"), "alibaba/wan-3", duration=5, resolution="480p", aspect_ratio="9:16"
            ),
            "hailuo": golden(
                order("hailuo-2.3", "first_frame", first_frame=FRAME), "minimax/hailuo-2.3",
                prompt="雨夜，女主推门而入", duration=6, resolution="768p", first_frame_image=PNG,
                prompt_optimizer=False,
            ),
            "vidu": golden(
                order("viduq3-pro"), "vidu/q3-pro", duration=5, resolution="540p", aspect_ratio="9:16", audio=False
            ),
        }  # fmt: skip

    def refusals(self) -> Mapping[str, Refusal]:
        def refusal(answer: Response, error: Any, retryable: bool = False, **also: Any) -> Refusal:
            return Refusal(answer=answer, error=error, retryable=retryable, refused=True, also=also or None)

        throttled = "Request was throttled. Your rate limit resets in ~30s."
        return {
            "token": refusal(problem(401, "Unauthenticated", "You did not pass a token"), AuthError),
            "credit": refusal(
                problem(402, "Insufficient credit", "You have insufficient credit"), InsufficientBalance
            ),
            "forbidden": refusal(problem(403, "Forbidden", "no"), AuthError),
            "no such model": refusal(problem(404, "Not found", "no such model"), InvalidShot),
            "input": refusal(
                problem(422, "Input validation failed", "- input.mode: must be one of"), InvalidShot
            ),
            "moderated": refusal(
                problem(422, "Input validation failed", "The input was flagged as sensitive (E005)"),
                ContentRejected,
                stage="input",
            ),
            "throttled": refusal(
                Response(429, json={"detail": throttled}), RateLimited, True, retry_after=30.0
            ),
            "throttled, by its header": refusal(
                Response(429, json={"detail": throttled}, headers={"retry-after": "4"}),
                RateLimited, True, retry_after=4.0,
            ),
            "another refusal": refusal(problem(413, "Too large", "no"), InvalidShot),
            "outage": Refusal(
                answer=problem(503, "Service unavailable", "try later"), error=ProviderUnavailable,
                retryable=True, refused=False, billed=None,
            ),
        }  # fmt: skip

    def reports(self) -> Mapping[str, Report]:
        return {
            "running": Report(answer=shown(), state="running"),
            "starting": Report(answer=shown(status="starting", started_at=None), state="queued"),
            "done": Report(answer=lambda _: Response(200, json=DONE), state="succeeded"),
            "done and deleted": Report(
                answer=shown(status="succeeded", data_removed=True, input={}), state="succeeded"
            ),
            "failed": Report(
                answer=shown(status="failed", error="CUDA out of memory"), state="failed", error=JobFailed,
                billed=None,
            ),
            "moderated": Report(
                answer=shown(status="failed", error="The input or output was flagged as sensitive. (E005)"),
                state="failed", error=ContentRejected, billed=None,
            ),
            "stopped midway is charged": Report(
                answer=shown(status="canceled"), state="canceled", error=JobFailed, billed=True
            ),
            "stopped, nobody knows when": Report(
                answer=shown(status="canceled", started_at=None), state="canceled", error=JobFailed, billed=None
            ),
            "aborted before it began": Report(
                answer=shown(status="aborted", started_at=None), state="expired", error=JobExpired, billed=False
            ),
            "unknown": Report(answer=lambda _: GONE, state="missing", error=JobExpired, billed=None),
        }  # fmt: skip

    def unknown_status(self) -> Respond:
        return shown(status="paused")

    def deliveries(self) -> Respond:
        return lambda _: Response(200, json=DONE)

    def gone(self) -> Respond:
        return shown(status="succeeded", data_removed=True)

    def canceled(self) -> Mapping[bool, Respond]:
        return {True: shown(status="aborted", started_at=None), False: shown(status="canceled")}

    def lost(self) -> Respond | None:
        return lambda _: page(prediction())

    def not_found(self) -> Respond | None:
        return lambda _: page()

    def unsendable(self) -> list[tuple[Order, Attempt]]:
        return [
            (order("kling-4.0", seed=1), ATTEMPT),
            (order(options={"webhook": "https://evil.example"}), ATTEMPT),
            (order("kling-3.0", "first_frame", first_frame=FRAME), replace(ATTEMPT, inputs={})),
        ]

    def callback(self) -> tuple[Delivery, list[str]] | None:
        return signed(prediction()), [ID]

    def keyring(self) -> Respond:
        return lambda _: Response(200, json={"key": KEY})


KEY = "whsec_" + base64.b64encode(b"a signing secret of Replicate").decode()
NOW = 1_795_000_000.0


def signed(body: Mapping[str, Any], key: str = KEY, at: float = NOW) -> Delivery:
    raw, stamp_ = json.dumps(body).encode(), str(int(at))
    secret = base64.b64decode(key.removeprefix("whsec_"))
    mac = hmac.new(secret, f"msg_1.{stamp_}.".encode() + raw, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(mac).decode()}"
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": stamp_,
        "webhook-signature": f"v1,AAAA {signature}",
    }
    return Delivery(headers=headers, body=raw)


def test_a_callback_is_checked_with_the_accounts_secret() -> None:
    adapter = ReplicateAdapter()
    assert adapter.receive(signed(DONE), {"default": KEY}, Secret(), NOW) == Notice([ID], signed=True)
    assert adapter.receive(signed(DONE), {}, Secret(webhook=(KEY,)), NOW).jobs == [ID]
    other = "whsec_" + base64.b64encode(b"another").decode()
    for delivery, now in (
        (signed(DONE, other), NOW),
        (signed(DONE), NOW + 301),
        (signed(DONE, at=NOW + 301), NOW),
    ):
        with pytest.raises(AuthError):
            adapter.receive(delivery, {"default": KEY}, Secret(), now)
    with pytest.raises(AuthError):
        adapter.receive(signed(DONE), {}, Secret(), NOW)


def test_the_secret_is_asked_for() -> None:
    heard = Heard(lambda _: Response(200, json={"key": KEY}))
    assert drive(ReplicateAdapter().keys(), heard) == {"default": KEY}
    assert heard.requests[0].url.path == "/v1/webhooks/default/secret"
    for answer in (Response(401, json={}), Response(200, json={"key": 7}), Response(200, html="<html>")):
        assert drive(ReplicateAdapter().keys(), always(answer)) == {}


# --- creates -------------------------------------------------------------------------------------------------


def test_the_connection_is_never_held_and_a_callback_is_for_the_end_alone() -> None:
    heard = Heard(in_turn(made()))
    drive(
        ReplicateAdapter().submit(order(), replace(ATTEMPT, callback_url="https://hooks.example.invalid/r")),
        heard,
    )
    (request,) = heard.requests
    assert "prefer" not in request.headers
    body = json.loads(request.content)
    assert (body["webhook"], body["webhook_events_filter"]) == (
        "https://hooks.example.invalid/r",
        ["completed"],
    )


def test_larger_inputs_go_up_first_and_once() -> None:
    link = "https://api.replicate.com/v1/files/abc"
    asked = order(
        "seedance-2.0", "references",
        references=(OrderReference(name="a", images=(LARGE, FRAME)), OrderReference(name="b", images=(LARGE,))),
    )  # fmt: skip
    up = Response(201, json={"id": "abc", "urls": {"get": link}})
    heard = Heard(in_turn(up, made()))
    drive(ReplicateAdapter().submit(asked, ATTEMPT), heard)
    upload, create = heard.requests
    assert (upload.method, upload.url.path) == ("POST", "/v1/files")
    assert not upload.extensions.get(PAID)
    assert b'name="content"' in upload.content
    assert json.loads(create.content)["input"]["reference_images"] == [link, PNG, link]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response(500, html="<html>"), ProviderUnavailable),
        (problem(401, "Unauthenticated", "no"), AuthError),
        (Response(201, json={"urls": {"get": "file:///etc/passwd"}}), ProviderUnavailable),
        (Response(201, json={}), ProviderUnavailable),
    ],
)
def test_an_upload_that_fails_costs_nothing(answer: Response, error: type[Exception]) -> None:
    heard = Heard(in_turn(answer))
    with pytest.raises(error):
        drive(ReplicateAdapter().submit(order("kling-3.0", "first_frame", first_frame=LARGE), ATTEMPT), heard)
    assert not any(request.extensions.get(PAID) for request in heard.requests)


# --- answers -------------------------------------------------------------------------------------------------


def test_the_clip_is_there_for_an_hour() -> None:
    download = drive(ReplicateAdapter().deliver(ticket()), lambda _: Response(200, json=DONE))
    assert str(download.request.url) == LINK
    assert download.expires == CREATED + 80 + 3600
    listed = drive(ReplicateAdapter().deliver(ticket()), shown(status="succeeded", output=[LINK]))
    assert (str(listed.request.url), listed.expires) == (LINK, None)


def test_a_deleted_clip_was_paid_for() -> None:
    with pytest.raises(JobExpired) as caught:
        drive(ReplicateAdapter().deliver(ticket()), shown(status="succeeded", data_removed=True, output=None))
    assert caught.value.billed is True


@pytest.mark.parametrize("output", [None, [], "", 7, "file:///x", "/relative", {"url": LINK}], ids=str)
def test_without_a_public_link_there_is_no_clip_yet(output: object) -> None:
    with pytest.raises(ProviderUnavailable):
        drive(ReplicateAdapter().deliver(ticket()), shown(status="succeeded", output=output))
    with pytest.raises(ProviderUnavailable):
        drive(ReplicateAdapter().deliver(ticket()), shown(output=LINK))


@pytest.mark.parametrize(
    ("words", "stage"),
    [
        (
            "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
            "input",
        ),
        ("Output video rejected by content policy", "output"),
        ("NSFW content detected in prompt", "input"),
        ("Failure to pass the risk control system", "input"),
    ],
)
def test_moderation_is_known_by_its_words(words: str, stage: str) -> None:
    error = polled(status="failed", error=words).error
    assert isinstance(error, ContentRejected)
    assert error.stage == stage


def test_seconds_of_compute_are_kept_and_not_priced() -> None:
    status = polled(status="succeeded", output=LINK, metrics={"predict_time": 71.4})
    assert status.usage is None
    assert status.ticket.data == {"predict_time": 71.4}
    spoilt: tuple[Any, ...] = ({"predict_time": True}, {"predict_time": -1}, {"predict_time": "x"}, None, [])
    for odd in spoilt:
        assert polled(status="succeeded", output=LINK, metrics=odd).ticket.data == {}


# --- looking for a lost create ---------------------------------------------------------------------------------


def test_the_list_is_read_back_to_the_time_of_the_create_and_no_further() -> None:
    newer = prediction(id="newer", created_at=stamp(CREATED + 500))
    older = prediction(id="older", created_at=stamp(CREATED - 500))
    following = "https://evil.example/v1/predictions?cursor=cD0y"
    heard = Heard(in_turn(page(newer, following=following), page(prediction(), older, following=following)))
    found = drive(ReplicateAdapter().find(order(), ATTEMPT), heard)
    assert isinstance(found, Ticket)
    assert found.id == ID
    assert [str(request.url) for request in heard.requests] == [
        "/v1/predictions",
        "/v1/predictions?cursor=cD0y",
    ]


def test_where_the_list_shows_no_input_the_prediction_is_asked() -> None:
    bare = {key: value for key, value in prediction().items() if key != "input"}
    found = looked(page(bare), Response(200, json=prediction()))
    assert isinstance(found, Ticket)
    for answer in (Response(200, json=prediction(input={}, data_removed=True)), Response(503, json={})):
        assert isinstance(looked(page(bare), answer), Unsure)


@pytest.mark.parametrize(
    "changes",
    [
        {"created_at": stamp(CREATED - 100)},
        {"created_at": stamp(CREATED + 100)},
        {"model": "kwaivgi/kling-v2.6"},
        {"input": {"prompt": "another"}},
    ],
    ids=str,
)
def test_another_prediction_is_not_taken_for_ours(changes: dict[str, Any]) -> None:
    assert looked(page(prediction(**changes))) == Absent()


def test_two_alike_settle_nothing() -> None:
    both = looked(page(prediction(), prediction(id="another")))
    assert isinstance(both, Unsure)
    assert "2 predictions" in both.why


@pytest.mark.parametrize(
    "answer",
    [
        Response(401, json={"title": "Unauthenticated"}),
        Response(200, json={"results": []}),
        Response(200, json={"results": [{"id": ""}], "next": None}),
        Response(200, json={"results": [], "next": 7}),
        Response(200, json={"results": [], "next": "https://api.replicate.com/v1/predictions"}),
        Response(200, json=[]),
    ],
    ids=lambda answer: answer.text,
)
def test_what_is_no_list_settles_nothing(answer: Response) -> None:
    assert isinstance(looked(answer), Unsure)


def test_a_list_without_end_is_left() -> None:
    endless = page(following="https://api.replicate.com/v1/predictions?cursor=x")
    assert isinstance(looked(*[endless] * MOST_PAGES), Unsure)


# --- the token -----------------------------------------------------------------------------------------------


def test_a_probe_tells_a_good_token_from_a_bad_one() -> None:
    assert drive(ReplicateAdapter().probe(), lambda _: page()).valid
    bad = drive(ReplicateAdapter().probe(), lambda _: problem(401, "Unauthenticated", "no"))
    assert isinstance(bad.error, AuthError)


def test_without_a_token_nothing_is_signed() -> None:
    with pytest.raises(AuthError, match="REPLICATE_API_TOKEN"):
        ReplicateAdapter().sign(Request("GET", "/x"), Secret(), NOW)
