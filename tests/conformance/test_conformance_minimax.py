"""MiniMax's own mmx-cli, unmodified, on node: its command and the client it is made of, in both generations.

Where it differs from the vendor's pages (mmx-cli 1.0.27):

- In V1 it waits for the state ``Failed``; the page names ``Fail``, and so does the vendor's Python client
  (minimax-mcp 0.0.19). The page is right: this client notices only because the answer carries the failure's code.
- It refuses every size of MiniMax-H3 but 2K. The page sells 768P too: the page is right.
- It turns every ``http`` result URL into ``https`` before it fetches, so the URL it was given is fetched beside it.
- Alone among the clients it sends a create once: a lost answer is one job and an error.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from dramagen.emulator import Handle

pytestmark = pytest.mark.conformance

COMMAND = "node_modules/mmx-cli/dist/mmx.mjs"
V1 = {"model": "MiniMax-Hailuo-2.3-Fast", "prompt": "a cat", "first_frame_image": "https://example.com/a.png"}
V2 = {
    "model": "MiniMax-H3",
    "content": [{"type": "text", "text": "a cat"}],
    "ratio": "9:16",
}


@pytest.fixture
def minimax(hurried: Handle, node: Callable[..., Any]) -> Callable[..., Any]:
    """One request through the client, waited for."""

    def order(request: dict[str, Any]) -> Any:
        base = f"{hurried.url}/hailuo@intl"
        return node("minimax.mjs", json.dumps({"base": base, "request": {"pollInterval": 0.05, **request}}))

    return order


@pytest.fixture
def mmx(hurried: Handle, node: Callable[..., Any]) -> Callable[..., Any]:
    """The command; without a region it would look for the vendor."""

    def run(*arguments: str, status: int = 0) -> Any:
        usual = ("--api-key", "key-one", "--base-url", f"{hurried.url}/hailuo@intl", "--region", "global")
        return node(COMMAND, *arguments, *usual, "--output", "json", "--non-interactive", status=status)

    return run


@pytest.mark.parametrize(
    ("request_", "seconds", "sound", "amount"),
    [(V1, 6.04, False, "0.19"), (V2, 5.17, True, "0.65")],
    ids=["v1", "v2"],
)
def test_create_wait_fetch(
    hurried: Handle, minimax: Callable[..., Any], film: Callable[..., Any],
    request_: dict[str, Any], seconds: float, sound: bool, amount: str,
) -> None:  # fmt: skip
    told = minimax(request_)
    got = film(told["url"])
    assert (got.seconds, got.sound) == (seconds, sound)
    [row] = hurried.bill()
    assert (row["model"], row["amount"], row["currency"]) == (request_["model"], amount, "USD")


@pytest.mark.parametrize("word", ["Fail", "Failed"])
def test_a_failed_task_is_an_error_in_either_generation(
    hurried: Handle, minimax: Callable[..., Any], word: str
) -> None:
    hurried.settings(hailuo={"fail_word": word})
    prompt = "a cat [[moderate-output]]"
    older = minimax(V1 | {"prompt": prompt})
    newer = minimax(V2 | {"content": [{"type": "text", "text": prompt}]})
    assert "output new_sensitive" in older["message"]
    assert "sensitive" in newer["message"]
    assert [row["amount"] for row in hurried.bill()] == ["0", "0"]


def test_the_command(hurried: Handle, mmx: Callable[..., Any]) -> None:
    made = mmx("video", "generate", "--prompt", "a cat", "--async")
    while (task := mmx("video", "task", "get", "--task-id", made["taskId"]))["status"] != "Success":
        assert task["status"] in ("Preparing", "Queueing", "Processing")
    assert (task["video_width"], task["video_height"]) == (1366, 768)
    sent = hurried.requests()[0]
    assert sent["body"] == {"model": "MiniMax-Hailuo-2.3", "prompt": "a cat"}
    assert sent["headers"]["user-agent"] == "mmx-cli/1.0.27"
    newer = mmx(
        "video", "generate", "--model", "MiniMax-H3", "--prompt", "a cat", "--ratio", "9:16", "--async"
    )
    assert mmx("video", "task", "get", "--task-id", newer["taskId"], "--model", "MiniMax-H3")["duration"] == 5


@pytest.mark.parametrize("model", ["MiniMax-Hailuo-2.3", "MiniMax-H3"])
def test_a_lost_answer_is_one_job_and_an_error(
    hurried: Handle, mmx: Callable[..., Any], creates: Callable[[Handle], list[str]], model: str
) -> None:
    hurried.faults(provider="hailuo", on="create", kind="drop", after_accept=True, times=9)
    told = mmx("video", "generate", "--model", model, "--prompt", "a cat", "--async", status=6)
    assert told["error"]["message"] == "Network request failed."
    assert len(creates(hurried)) == len(hurried.bill()) == 1
