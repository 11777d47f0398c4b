"""Kling elements: made from pictures or a video, shown when ready, deleted."""

from typing import Any

import httpx
import pytest

from dramagen.emulator import Handle, ManualClock

PATH = "/kling/v1/general/advanced-custom-elements"
PICTURES = {
    "frontal_image": "https://example.com/a.png",
    "refer_images": [{"image_url": "https://example.com/b.png"}],
}
ELEMENT = {
    "element_name": "lin",
    "element_description": "a tall woman",
    "reference_type": "image_refer",
    "element_image_list": PICTURES,
}


def test_an_element_is_made_used_and_deleted(
    client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    task_id = client.post(PATH, json=ELEMENT).json()["data"]["task_id"]
    assert client.get(f"{PATH}/{task_id}").json()["data"]["task_status"] == "submitted"
    clock.advance(30)
    task = client.get(f"{PATH}/{task_id}").json()["data"]
    assert task["task_status"] == "succeed"
    [element] = task["task_result"]["elements"]
    assert [each["task_id"] for each in client.get(PATH).json()["data"]] == [task_id]
    assert not vendors.bill(), "elements are free"
    gone = client.post(
        "/kling/v1/general/delete-advanced-elements", json={"element_id": element["element_id"]}
    )
    assert gone.json()["code"] == 0
    assert client.get(f"{PATH}/{task_id}").json()["message"] == "Task not found"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"element_name": "x" * 21}, "element_name"),
        ({"element_description": ""}, "element_description"),
        ({"reference_type": "song"}, "reference_type"),
        ({"element_image_list": None}, "element_image_list"),
        ({"element_image_list": {**PICTURES, "refer_images": []}}, "refer_images"),
        ({"reference_type": "video_refer"}, "refer_videos"),
        (
            {
                "reference_type": "video_refer",
                "element_video_list": {"refer_videos": [{"video_url": "https://a.b/c?seconds=9"}]},
            },
            "3 to 8 s",
        ),
    ],
)
def test_refusals(client: httpx.Client, change: dict[str, Any], field: str) -> None:
    answer = client.post(PATH, json={**ELEMENT, **change})
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert field in answer.json()["message"]
