"""What stands beside fal's queue: uploads, unit prices, the list of requests, signed webhooks."""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from dramagen.emulator import Handle, ManualClock
from dramagen.emulator.fal import ed25519

if TYPE_CHECKING:
    from tests.emulator.conftest import Receiver

KLING = "/fal/fal-ai/kling-video/v3/pro/text-to-video"
IMAGE = "/fal/fal-ai/kling-video/v3/pro/image-to-video"
PICTURE = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (720).to_bytes(4) + (1280).to_bytes(4) + b"\x08\0\0\0\0" + b"\0" * 4
)
"""The head of a picture of 720 x 1280; nobody looks further."""


@pytest.fixture
def caller(client: httpx.Client) -> httpx.Client:
    client.headers["authorization"] = "Key id:secret"
    return client


def cdn_token(caller: httpx.Client) -> dict[str, str]:
    """The header that the CDN wants."""
    told = caller.post("/fal/storage/auth/token?storage_type=fal-cdn-v3", json={}).json()
    assert datetime.fromisoformat(told["expires_at"]).tzinfo is not None
    return {"authorization": f"{told['token_type']} {told['token']}"}


def put(url: str, headers: dict[str, str]) -> httpx.Response:
    """Send the picture without a key."""
    return httpx.put(url, content=PICTURE, headers=headers, trust_env=False, verify=False)


def filmed_at(caller: httpx.Client, clock: ManualClock, url: str) -> int:
    """The status of the result of a job from this first frame."""
    made = caller.post(IMAGE, json={"prompt": "x", "duration": "3", "start_image_url": url}).json()
    clock.advance(500)
    return caller.get(made["response_url"]).status_code


def test_an_upload_to_the_cdn(caller: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    headers = {**cdn_token(caller), "content-type": "image/png", "x-fal-file-name": "first frame.png"}
    url = caller.post("/fal/files/upload", content=PICTURE, headers=headers).json()["access_url"]
    assert url.startswith(f"{vendors.url}/fal/files/b/")
    assert url.endswith("/first_frame.png")
    fetched = httpx.get(url, trust_env=False, verify=False)
    assert (fetched.content, fetched.headers["content-type"]) == (PICTURE, "image/png")
    assert filmed_at(caller, clock, url) == 200
    assert filmed_at(caller, clock, url + "x") == 422
    assert len([row for row in vendors.bill() if row["amount"] != "0"]) == 1


def test_an_upload_may_be_short_lived(caller: httpx.Client, clock: ManualClock) -> None:
    headers = cdn_token(caller) | {"x-fal-object-lifecycle": json.dumps({"expiration_duration_seconds": 60})}
    url = caller.post("/fal/files/upload", content=PICTURE, headers=headers).json()["access_url"]
    clock.advance(60)
    assert httpx.get(url, trust_env=False, verify=False).status_code == 404
    assert filmed_at(caller, clock, url) == 422


def test_the_cdns_token_is_needed_and_ends(caller: httpx.Client, clock: ManualClock) -> None:
    assert caller.post("/fal/storage/auth/token", json={}).status_code == 400
    assert caller.post("/fal/files/upload", content=b"x").status_code == 401
    headers = cdn_token(caller)
    clock.advance(3600)
    assert caller.post("/fal/files/upload", content=b"x", headers=headers).status_code == 401


def test_an_upload_in_parts(caller: httpx.Client) -> None:
    headers = cdn_token(caller)
    begun = caller.post("/fal/files/upload/multipart", headers=headers).json()
    base = f"{begun['access_url']}/multipart/{begun['uploadId']}"
    etags = [
        caller.put(f"{base}/{number}", content=content, headers=headers).headers["etag"]
        for number, content in ((1, b"one"), (2, b"two"))
    ]
    assert (
        httpx.get(begun["access_url"], trust_env=False, verify=False).status_code == 404
    )  # not complete yet
    parts = [{"partNumber": number, "etag": etag} for number, etag in enumerate(etags, 1)]
    wrong = [{**parts[0], "etag": etags[1]}, parts[1]]
    assert caller.post(f"{base}/complete", json={"parts": wrong}, headers=headers).status_code == 400
    assert caller.post(f"{base}/complete", json={}, headers=headers).status_code == 400
    assert caller.put(f"{base}/none", content=b"x", headers=headers).status_code == 400
    assert caller.post(f"{base}/complete", json={"parts": parts}, headers=headers).status_code == 200
    assert httpx.get(begun["access_url"], trust_env=False, verify=False).content == b"onetwo"
    assert caller.put(f"{base}/1", content=b"x", headers=headers).status_code == 404


def test_the_older_storage_where_the_cdn_takes_nothing(
    caller: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(fal={"uploads": "storage"})
    assert caller.post("/fal/files/upload", content=b"x", headers=cdn_token(caller)).status_code == 500
    begin = "/fal/storage/upload/initiate?storage_type=gcs"
    assert caller.post(begin, json={}).status_code == 422
    told = caller.post(begin, json={"file_name": "a.png", "content_type": "image/png"}).json()
    kind = {"content-type": "image/png"}
    assert put(told["file_url"], kind).status_code == 403  # not signed
    assert put(told["upload_url"], {}).status_code == 403
    assert filmed_at(caller, clock, told["file_url"]) == 422  # nothing there yet
    assert put(told["upload_url"], kind).status_code == 200
    assert filmed_at(caller, clock, told["file_url"]) == 200


def test_unit_prices(caller: httpx.Client) -> None:
    names = ["alibaba/wan-3.0/text-to-video", "fal-ai/minimax/hailuo-2.3/pro/text-to-video", KLING[5:]]
    told = caller.get("/fal/v1/models/pricing", params={"endpoint_id": ",".join(names)}).json()
    assert [(each["endpoint_id"], each["unit_price"], each["unit"]) for each in told["prices"]] == [
        (names[0], 0.05, "seconds"),
        (names[1], 0.49, "videos"),
        (names[2], 0.14, "seconds"),  # the card says 0.112 and 0.168
    ]
    assert (told["next_cursor"], told["has_more"]) == (None, False)
    assert caller.get("/fal/v1/models/pricing", params={"endpoint_id": "a/b"}).status_code == 404
    assert caller.get("/fal/v1/models/pricing").status_code == 400
    assert caller.get("/fal/v1/meta").json()["webhook_ip_ranges"]


def listed(caller: httpx.Client, **query: Any) -> httpx.Response:
    query = {"endpoint_id": KLING[5:], **query}
    return caller.get("/fal/v1/models/requests/by-endpoint", params=query)


def test_ones_requests_are_listed_where_the_account_has_it(
    caller: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    body = {"prompt": "雨夜", "duration": "3"}
    first = caller.post(KLING, json=body).json()["request_id"]
    vendors.settings(fal={"requests_listed": False})
    assert listed(caller).status_code == 404
    vendors.settings(fal={"requests_listed": True, "list_delay": 30})
    assert listed(caller).json()["items"] == []
    clock.advance(500)
    second = caller.post(KLING, json={**body, "duration": 3}).json()["request_id"]
    clock.advance(500)
    items = listed(caller).json()["items"]
    assert [(item["request_id"], item["status_code"]) for item in items] == [(second, 422), (first, 200)]
    assert set(items[0]) == {
        "request_id", "endpoint_id", "sent_at", "started_at", "ended_at", "status_code", "duration"
    }  # fmt: skip
    assert listed(caller, expand="payloads").json()["items"][1]["json_input"] == body
    page = listed(caller, limit=1).json()
    assert (len(page["items"]), page["has_more"]) == (1, True)
    rest = listed(caller, limit=1, cursor=page["next_cursor"]).json()
    assert ([item["request_id"] for item in rest["items"]], rest["has_more"]) == ([first], False)
    since = datetime.fromtimestamp(clock.now() - 600, UTC).isoformat()
    assert [item["request_id"] for item in listed(caller, start=since).json()["items"]] == [second]
    assert [item["request_id"] for item in listed(caller, end=since).json()["items"]] == [first]
    assert [item["request_id"] for item in listed(caller, request_id=first).json()["items"]] == [first]
    assert listed(caller, endpoint_id="a/b").json()["items"] == []
    clock.advance(86_400)
    assert listed(caller).json()["items"] == []


def test_the_list_may_have_only_what_ended(caller: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    vendors.settings(fal={"requests_listed": True, "list_ended": True})
    made = caller.post(KLING, json={"prompt": "雨夜", "duration": "3"}).json()["request_id"]
    clock.advance(10)
    assert listed(caller).json()["items"] == []
    clock.advance(500)
    assert [item["request_id"] for item in listed(caller).json()["items"]] == [made]


@pytest.mark.parametrize("query", [{"limit": 0}, {"cursor": "!"}, {"start": "then"}, {"endpoint_id": ""}])
def test_wrong_questions_to_the_list(caller: httpx.Client, query: dict[str, Any]) -> None:
    assert listed(caller, **query).status_code == 400


# RFC 8032, section 7.1: secret, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_signatures_are_those_of_the_rfc(secret: str, public: str, message: str, signature: str) -> None:
    assert ed25519.public_key(bytes.fromhex(secret)).hex() == public
    assert ed25519.sign(bytes.fromhex(secret), bytes.fromhex(message)).hex() == signature


def submitted(own: Handle, **body: Any) -> str:
    answer = httpx.post(
        own.url + KLING + "?fal_webhook=https://me.io/hook",
        json={"prompt": "雨夜", "duration": "3", **body},
        headers={"authorization": "Key id:secret"},
        trust_env=False,
        verify=False,
    )
    return str(answer.json()["request_id"])


def test_a_webhook_carries_the_result_or_the_error(
    own: Handle, receiver: "Receiver", time_: ManualClock
) -> None:
    own.settings(fal={"runner_failures": 1})
    good = submitted(own)
    time_.advance(800)
    (told,) = receiver.wait(1)
    assert receiver.sent[0][0] == "https://me.io/hook"
    assert (told["request_id"], told["status"]) == (good, "OK")
    assert told["gateway_request_id"] != good  # the second run's
    assert told["payload"]["video"]["url"].startswith(own.url)
    own.settings(fal={"runner_failures": 0})
    bad = submitted(own, prompt="[[moderate-output]]")
    time_.advance(800)
    told = receiver.wait(2)[1]
    assert (told["request_id"], told["gateway_request_id"], told["status"]) == (bad, bad, "ERROR")
    assert told["error"] == "Invalid status code: 422"
    assert told["payload"]["detail"][0]["type"] == "content_policy_violation"


def verified(own: Handle, headers: Mapping[str, str], body: bytes) -> list[bool]:
    """Of each published key, whether it made the signature."""
    keys = pytest.importorskip(
        "cryptography.hazmat.primitives.asymmetric.ed25519", reason="needs the conformance extra"
    )
    exceptions = pytest.importorskip("cryptography.exceptions", reason="needs the conformance extra")
    names = ("request-id", "user-id", "timestamp")
    signed = [headers[f"x-fal-webhook-{name}"] for name in names] + [hashlib.sha256(body).hexdigest()]
    published = httpx.get(f"{own.url}/fal/.well-known/jwks.json", trust_env=False, verify=False).json()[
        "keys"
    ]
    found = []
    for key in published:
        public = keys.Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "="))
        try:
            public.verify(bytes.fromhex(headers["x-fal-webhook-signature"]), "\n".join(signed).encode())
            found.append(True)
        except exceptions.InvalidSignature:
            found.append(False)
    return found


@pytest.mark.parametrize(
    ("signature", "keys", "age"),
    [("good", [False, True], 0), ("wrong", [False, False], 0), ("stale", [False, True], 600)],
)
def test_webhooks_are_signed_with_one_of_the_published_keys(
    own: Handle, receiver: "Receiver", time_: ManualClock, signature: str, keys: list[bool], age: int
) -> None:
    own.settings(fal={"callback_signature": signature})
    submitted(own)
    time_.advance(500)
    receiver.wait(1)
    (_, headers, body) = receiver.sent[0]
    assert verified(own, headers, body) == keys
    assert int(headers["x-fal-webhook-timestamp"]) == int(time_.now()) - age


def test_webhooks_may_come_unsigned_twice_or_never(
    own: Handle, receiver: "Receiver", time_: ManualClock
) -> None:
    own.settings(fal={"callback_signature": "absent", "callbacks": "duplicate"})
    submitted(own)
    time_.advance(500)
    first, second = receiver.wait(2)
    assert first == second
    assert set(receiver.sent[0][1]) == {"content-type"}
    own.settings(fal={"callbacks": "never"})
    submitted(own)
    own.settings(fal={"callbacks": "deliver"})
    last = submitted(own)
    time_.advance(500)
    assert receiver.wait(3)[2]["request_id"] == last


def test_a_webhook_is_sent_again_until_it_is_taken(
    own: Handle, receiver: "Receiver", time_: ManualClock
) -> None:
    receiver.status = 500
    submitted(own)
    time_.advance(500)
    receiver.wait(1)
    receiver.status = 200
    time_.advance(10)
    first, second = receiver.wait(2)
    assert first == second
