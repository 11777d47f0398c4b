"""Elements: named characters and things made once from pictures or a video, then used by their id.

Source: Kling "elements" page, as read up to 2026-11-22. Making one is not on the price list, so none is billed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from dramagen.emulator.kling import auth, media
from dramagen.emulator.kling.contents import body_of
from dramagen.emulator.kling.errors import invalid, ok
from dramagen.emulator.state import Account
from dramagen.emulator.world import Call

_SECONDS = 20.0  # no source says how long one takes


@dataclass(frozen=True)
class _Element:
    task_id: str
    element_id: int
    name: str
    description: str
    kind: str
    external_id: str
    created: float


def _owned(account: Account) -> dict[str, _Element]:
    elements: dict[str, _Element] = account.seen.setdefault("elements", {})
    return elements


async def create(call: Call) -> Response:
    account = auth.account(call, modern=False)
    body = body_of(call)
    name, description = _words(body, "element_name", 20), _words(body, "element_description", 100)
    kind = body.get("reference_type")
    if kind == "image_refer":
        _check_pictures(call, body.get("element_image_list"))
    elif kind == "video_refer":
        _check_video(call, body.get("element_video_list"))
    else:
        raise invalid("reference_type is invalid: image_refer or video_refer is required")
    serial = next(call.world.serial)
    external = body.get("external_task_id", "")
    if not isinstance(external, str):
        raise invalid("external_task_id is invalid: a string is required")
    element = _Element(
        str(860_000_000_000_000_000 + serial), 170_000 + serial, name, description, kind, external, call.now
    )
    _owned(account)[element.task_id] = element
    shown = _shown(call, element)
    return ok(
        call, {key: shown[key] for key in ("task_id", "task_status", "task_info", "created_at", "updated_at")}
    )


async def get(call: Call) -> Response:
    owned = _owned(auth.account(call, modern=False))
    wanted = call.params["id"]
    found = owned.get(wanted) or next((each for each in owned.values() if each.external_id == wanted), None)
    if found is None:
        raise invalid("Task not found")
    return ok(call, _shown(call, found))


async def list_elements(call: Call) -> Response:
    owned = _owned(auth.account(call, modern=False))
    return ok(call, [_shown(call, element) for element in reversed(owned.values())])


async def delete(call: Call) -> Response:
    owned = _owned(auth.account(call, modern=False))
    wanted = str(body_of(call).get("element_id", ""))
    found = next((each for each in owned.values() if str(each.element_id) == wanted), None)
    if found is None:
        raise invalid("element_id is invalid: no such element")
    del owned[found.task_id]
    return ok(call, {})


def _words(body: Mapping[str, Any], name: str, most: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise invalid(f"{name} is invalid: 1 to {most} characters are required")
    return value


def _check_pictures(call: Call, pictures: Any) -> None:
    if not isinstance(pictures, dict):
        raise invalid("element_image_list is required")
    media.picture(call, pictures.get("frontal_image"), "frontal_image")
    others = pictures.get("refer_images")
    if (
        not isinstance(others, list)
        or not 1 <= len(others) <= 3
        or not all(isinstance(each, dict) for each in others)
    ):
        raise invalid("refer_images is invalid: 1 to 3 pictures are required")
    for each in others:
        media.picture(call, each.get("image_url"), "refer_images.image_url")


def _check_video(call: Call, videos: Any) -> None:
    clips = videos.get("refer_videos") if isinstance(videos, dict) else None
    if not isinstance(clips, list) or len(clips) != 1 or not isinstance(clips[0], dict):
        raise invalid("refer_videos is invalid: exactly 1 video is required")
    if not 3 <= media.video(call, clips[0].get("video_url"), "refer_videos.video_url") <= 8:
        raise invalid("refer_videos is invalid: a video of 3 to 8 s is required")


def _shown(call: Call, element: _Element) -> dict[str, Any]:
    done = call.now >= element.created + _SECONDS
    finished = element.created + _SECONDS if done else element.created
    task: dict[str, Any] = {
        "task_id": element.task_id,
        "task_status": "succeed" if done else "submitted" if call.now < element.created + 2 else "processing",
        "task_status_msg": "",
        "task_info": {"external_task_id": element.external_id} if element.external_id else {},
        "created_at": int(call.stamp(element.created) * 1000),
        "updated_at": int(call.stamp(finished) * 1000),
    }
    if done:
        made = {
            "element_id": element.element_id,
            "element_name": element.name,
            "element_description": element.description,
            "reference_type": element.kind,
        }
        task["task_result"] = {"elements": [made]}
    return task
