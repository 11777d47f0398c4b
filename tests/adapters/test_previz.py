"""Previz passes the suite of every adapter, and its scenes are what the renderer draws."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from httpx import Request, Response

from dramagen.adapters import adapter as adapter_named
from dramagen.adapters.base import PAID, Adapter, Attempt, Delivery, Secret, Status, Ticket
from dramagen.adapters.previz import PrevizAdapter, scene
from dramagen.catalog.order import Input, Order, OrderReference
from dramagen.catalog.route import Route
from dramagen.errors import AuthError, JobExpired, JobFailed, MissingExtra, ProviderUnavailable
from dramagen.shot import Camera, Cut, Line
from dramagen.testing import AdapterContract, Golden, Heard, Refusal, Report, Respond, drive, in_turn
from dramagen.testing.lives import Place

ROUTE = Route(provider="previz", region="local", model="previz-1")
ATTEMPT = Attempt(tag="a" * 24, created=1_795_000_000.0)
PICTURES = {hashlib.sha256(data).hexdigest(): data for data in (b"first", b"last", b"face")}
FIRST, LAST, FACE = (Input(sha256=key, media_type="image/png", size=5) for key in PICTURES)


def order(**changes: Any) -> Order:
    fields: dict[str, Any] = {
        "route": ROUTE, "wire": {}, "mode": "text", "prompt": "雨夜，女主回头", "duration": Decimal(5),
        "resolution": "720p", "width": 720, "height": 1280, "audio": False,
    }  # fmt: skip
    return Order(**(fields | changes))


PLAIN = order()
RICH = order(
    mode="first_last_frame", first_frame=FIRST, last_frame=LAST, fps=Decimal(25), duration=Decimal("3.4"), audio=True,
    camera=Camera("push_in", "slow"), cuts=(Cut("门", 1.4), Cut("脸", 2)), dialogue=(Line("林夏", "你终于来了"),),
    seed=7, options={"label": "s03"},
)  # fmt: skip
REFERRED = order(mode="references", references=(OrderReference(name="林夏", images=(FACE, LAST)),))

PLAIN_SCENE: dict[str, Any] = {
    "id": "雨夜，女主回头", "prompt": "雨夜，女主回头", "captions": [], "picture": None, "last_picture": None,
    "move": "static", "speed": "normal", "cuts": [], "width": 720, "height": 1280, "fps": 24.0, "frames": 120,
    "audio": False, "seed": 0,
}  # fmt: skip
RICH_SCENE = PLAIN_SCENE | {
    "id": "s03", "captions": ["林夏: 你终于来了"], "picture": FIRST.sha256, "last_picture": LAST.sha256,
    "move": "push_in", "speed": "slow", "cuts": [["门", 1.4], ["脸", 2.0]], "fps": 25.0, "frames": 85,
    "audio": True, "seed": 7,
}  # fmt: skip


def says(status: int = 200, **body: Any) -> Respond:
    return lambda _: Response(status, json=body)


def state(word: str, of: Order = PLAIN, **more: Any) -> Respond:
    return says(id=of.hash, state=word, **more)


def golden(of: Order, document: Mapping[str, Any], *pictures: Input) -> Golden:
    sent = {item.sha256: base64.b64encode(PICTURES[item.sha256]).decode() for item in pictures}
    return Golden(
        order=of,
        attempt=Attempt(tag=ATTEMPT.tag, created=ATTEMPT.created, inputs=PICTURES),
        path="/renders",
        body={"id": of.hash, "scene": document, "pictures": sent},
        accept=state("queued", of),
        id=of.hash,
    )


class TestPreviz(AdapterContract):
    keyed = False

    def adapter(self) -> Adapter:
        return PrevizAdapter()

    def goldens(self) -> Mapping[str, Golden]:
        return {
            "text": golden(PLAIN, PLAIN_SCENE),
            "frames": golden(RICH, RICH_SCENE, FIRST, LAST),
            "references": golden(REFERRED, PLAIN_SCENE | {"picture": FACE.sha256}, FACE),
        }

    def places(self) -> Sequence[Place]:
        # A render is called by its order's hash, so the answers here are for these orders alone.
        return [Place("previz", "local", (PLAIN,))]

    def refusals(self) -> Mapping[str, Refusal]:
        def no(status: int, word: str) -> Response:
            return Response(status, json={"error": word, "detail": "why"})

        return {
            "bad scene": Refusal(answer=no(400, "bad scene"), error=JobFailed, retryable=False, refused=True),
            "missing picture": Refusal(
                answer=no(400, "missing picture"), error=JobFailed, retryable=False, refused=True
            ),
            "missing extra": Refusal(
                answer=no(424, "missing extra"), error=MissingExtra, retryable=False, refused=True
            ),
        }

    def reports(self) -> Mapping[str, Report]:
        return {
            "running": Report(answer=state("running"), state="running"),
            "queued": Report(answer=state("queued"), state="queued"),
            "succeeded": Report(answer=state("succeeded"), state="succeeded"),
            "failed": Report(
                answer=state("failed", error="render failed", detail="no ink"),
                state="failed",
                error=JobFailed,
            ),
            "missing extra": Report(
                answer=state("failed", error="missing extra"), state="failed", error=MissingExtra
            ),
            "canceled": Report(answer=state("canceled"), state="canceled", error=JobFailed),
            "lost and unfit": Report(
                answer=by_method(
                    Response(404, json={"error": "unknown render"}),
                    Response(400, json={"error": "missing picture", "detail": "gone"}),
                ),
                state="failed",
                error=JobFailed,
            ),
        }

    def unknown_status(self) -> Respond:
        return state("contemplating")

    def deliveries(self) -> Respond:
        return state("succeeded")

    def gone(self) -> Respond:
        return says(404, error="unknown render")

    def canceled(self) -> Mapping[bool, Respond]:
        return {True: says(canceled=True), False: says(canceled=False)}

    def lost(self) -> Respond | None:
        return state("running")

    def not_found(self) -> Respond | None:
        return says(404, error="unknown render")

    def unsendable(self) -> Sequence[tuple[Order, Attempt]]:
        return [(order(width=None), ATTEMPT), (order(height=None), ATTEMPT)]


def by_method(get: Response, post: Response) -> Respond:
    """One answer to a GET, another to a POST."""
    return lambda request: get if request.method == "GET" else post


def ticket(of: Order = PLAIN) -> Ticket:
    return drive(PrevizAdapter().submit(of, ATTEMPT), state("queued", of))


def test_the_card_finds_it() -> None:
    assert isinstance(adapter_named("previz"), PrevizAdapter)


def test_a_lost_render_is_started_again_from_the_ticket_alone() -> None:
    revived = Ticket.model_validate_json(ticket(RICH).model_dump_json())
    heard = Heard(
        in_turn(
            Response(404, json={"error": "unknown render"}),
            Response(200, json={"id": RICH.hash, "state": "queued"}),
        )
    )
    told: Mapping[str, Status] = drive(PrevizAdapter().poll([revived]), heard)
    assert told[RICH.hash].state == "queued"
    again = heard.requests[-1]
    assert again.method == "POST"
    assert not again.extensions.get(PAID)
    assert json.loads(again.content) == {"id": RICH.hash, "scene": RICH_SCENE, "pictures": {}}


def test_any_other_404_is_no_reason_to_start_again() -> None:
    answers = in_turn(Response(404, html="<html>Not Found</html>"))
    assert drive(PrevizAdapter().poll([ticket()]), answers) == {}


def test_several_tickets_are_asked_about_one_by_one() -> None:
    def respond(request: Request) -> Response:
        id_ = request.url.path.rpartition("/")[2]
        return Response(200, json={"id": id_, "state": "succeeded" if id_ == RICH.hash else "running"})

    told = drive(PrevizAdapter().poll([ticket(), ticket(RICH)]), respond)
    assert {id_: status.state for id_, status in told.items()} == {
        PLAIN.hash: "running",
        RICH.hash: "succeeded",
    }


def test_a_failure_says_why() -> None:
    told = drive(PrevizAdapter().poll([ticket()]), state("failed", error="render failed", detail="no ink"))
    error = told[PLAIN.hash].error
    assert isinstance(error, JobFailed)
    assert (error.code, error.vendor_message) == ("render failed", "no ink")
    assert error.billed is False


def test_the_file_comes_from_the_renderer() -> None:
    download = drive(PrevizAdapter().deliver(ticket()), state("succeeded"))
    assert download.authenticated
    assert download.request.url.path == f"/renders/{PLAIN.hash}/file"


def test_a_file_that_is_not_ready_is_asked_for_again_later() -> None:
    with pytest.raises(ProviderUnavailable):
        drive(PrevizAdapter().deliver(ticket()), state("running"))


def test_nobody_calls_back() -> None:
    with pytest.raises(AuthError):
        PrevizAdapter().receive(Delivery({}, b"{}"), {}, Secret(), 0.0)


def test_the_probe_tells_how_many_are_drawn_at_once() -> None:
    account = drive(PrevizAdapter().probe(), says(workers=2))
    assert account.valid
    assert account.concurrency == 2


def test_a_file_that_is_gone_was_never_billed() -> None:
    with pytest.raises(JobExpired) as caught:
        drive(PrevizAdapter().deliver(ticket()), says(404, error="unknown render"))
    assert caught.value.billed is False


@pytest.mark.parametrize(
    ("seconds", "fps", "frames"),
    [("5", None, 120), ("4.97", None, 119), ("3.3", "30", 99), ("0.01", "24", 1)],
)
def test_frames_are_the_seconds_asked(seconds: str, fps: str | None, frames: int) -> None:
    document = scene(order(duration=Decimal(seconds), fps=None if fps is None else Decimal(fps)))
    assert document["frames"] == frames


def test_a_long_prompt_is_shortened_to_name_the_shot() -> None:
    label = scene(order(prompt="a very long prompt\nthat goes on over several lines"))["id"]
    assert label == "a very long prompt that…"


def test_the_media_room_reads_the_scene() -> None:
    from dramagen.media.previz import Scene

    for of in (PLAIN, RICH, REFERRED):
        assert Scene.from_json(scene(of)).to_json() == scene(of)
