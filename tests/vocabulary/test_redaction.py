"""No key, token or signed URL gets through, however it is written down."""

import json
import traceback
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dramagen import errors
from dramagen.redact import redact

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
token = st.text(ALPHABET, min_size=20, max_size=60).map(lambda t: "7" + t)
b64url = st.text(ALPHABET + "-_", min_size=12, max_size=60).map(lambda t: t + "x")
surroundings = st.text("a 。，：{}[]\"'\n", max_size=12)

SHAPES = [
    "Bearer {}",
    "authorization: bearer {}",
    "Authorization: Key abc:{}",
    "Token {}",
    "sk-{}",
    "api-key-kling-{}",
    "r8_{}",
    "whsec_{}",
    "AKLT{}",
    "ARK_API_KEY={}",
    "KLING_SECRET_KEY={}",
    '{{"api_key": "{}"}}',
    "{{'x-api-key': '{}'}}",
    '{{\\"access_token\\": \\"{}\\"}}',
    "https://user:{}@host/path",
    "https://us@er:{}@host/path",
    "https://tos.example/v.mp4?X-Tos-Signature={}&x=1",
    "https://tos.example/v.mp4?x=1\\u0026X-Tos-Signature={}",
    "https:\\/\\/tos.example\\/v.mp4?x=1\\u0026X-Tos-Signature={}",
    "HTTPS://TOS.EXAMPLE/v.mp4?Expires=1&Sign={}",
    "https://h/cb#access_token={}",
    "https://h/v.mp4?x={}",
    "https:\\/\\/h\\/v.mp4?y=1\\u0026x={}",
    "tos://user:{}@host",
    "/v.mp4&X-Amz-Signature={}",
    "X-Amz-Security-Token%3D{}",
    "auth_key={}",
]


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=15)
@given(secret=token, before=surroundings, after=surroundings)
def test_a_credential_never_gets_through(shape: str, secret: str, before: str, after: str) -> None:
    text = f"{before} {shape.format(secret)} {after}"
    assert secret not in redact(text)


@given(header=b64url, payload=b64url, signature=b64url)
def test_a_jwt_never_gets_through(header: str, payload: str, signature: str) -> None:
    jwt = f"eyJ{header}.{payload}.{signature}"
    seen = redact(f"token rejected: {jwt}; try again")
    assert payload not in seen
    assert signature not in seen


@given(st.lists(st.text(min_size=4, max_size=30), min_size=1, max_size=4), surroundings)
@example(["abcd", "abcdefgh"], "")
@example(["a/b+c d"], "")
def test_a_known_secret_is_taken_out_whatever_it_looks_like(secrets: list[str], around: str) -> None:
    text = around.join([*secrets, *(quote(s, safe="", errors="replace") for s in secrets)])
    seen = redact(text, *secrets)
    assert not any(secret in seen for secret in secrets if "…" not in secret)


@given(st.text(max_size=300), st.integers(10, 100))
def test_the_text_is_cut_to_its_limit(text: str, limit: int) -> None:
    assert len(redact(text, limit=limit)) <= limit


@settings(max_examples=25)
@given(token, surroundings)
def test_redacting_twice_is_redacting_once(secret: str, around: str) -> None:
    for shape in SHAPES:
        once = redact(around + shape.format(secret))
        assert redact(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "no key KLING_API_KEY found",
        "API key authentication failed",
        "the token expired yesterday",
        "InvalidParameter: content[1].image_url, duration 5, usage completion_tokens=108900",
        "https://www.volcengine.com/docs/82379/1520757",
        "路由 kling:cn/kling-3.0: 时长 16 s，最多 15 s",
    ],
)
def test_words_people_need_are_left_alone(text: str) -> None:
    assert redact(text) == text


def test_inline_media_is_not_printed() -> None:
    assert len(redact("image data:image/png;base64," + "iVBORw0KGgo" * 5000)) < 60


def test_hostile_text_takes_no_time() -> None:
    for unit in ("a-", "key ", "http://", "a.", "Bearer 7", "sig=", "\\u0026"):
        redact(unit * 20_000)


@given(token, st.sampled_from(SHAPES))
def test_no_part_of_an_error_carries_a_credential(secret: str, shape: str) -> None:
    said = shape.format(secret)
    made: list[errors.DramagenError] = [
        errors.InvalidShot(said, problems=[("first_frame", said, said)]),
        errors.NoRoute(said, reasons=[("kling:cn/kling-3.0", said)]),
        errors.JobFailed(said, vendor_message=said, code=said, request_id=said),
        errors.DefectiveClip(said, defects=[said]),
        errors.ContentRejected(said, stage="input", vendor_message=said),
    ]
    for error in made:
        seen = [
            str(error),
            repr(error),
            json.dumps(error.to_json()),
            "".join(traceback.format_exception(error)),
        ]
        assert not any(secret in text for text in seen)
        assert secret not in json.dumps(vars(error), default=_shown)


def _shown(value: Any) -> str:
    return str(value)
