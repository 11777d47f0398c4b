"""Kling: the China site (cn) and the global one (intl), both generations of its API."""

from collections.abc import Mapping
from functools import partial

from starlette.responses import JSONResponse, Response

from dramagen.emulator.files import FILES
from dramagen.emulator.kling import elements, errors, legacy, modern
from dramagen.emulator.kling.errors import Refusal
from dramagen.emulator.kling.settings import Settings
from dramagen.emulator.state import Job
from dramagen.emulator.world import Call, Endpoint, Handler


def _answered(act: Handler) -> Handler:
    """Turn a refusal raised anywhere into the vendor's error answer."""

    async def handle(call: Call) -> Response:
        try:
            return await act(call)
        except Refusal as refusal:
            return errors.refused(call, refusal)

    return handle


def _asked(call: Call) -> str:
    return "find" if call.query.get("external_task_ids") else "poll"


def _asked_legacy(call: Call) -> str:
    own = call.params["id"]
    return "poll" if own.isdigit() and len(own) == 18 else "find"


_ELEMENTS = "/v1/general/advanced-custom-elements"


class Kling:
    """Kling's open platform."""

    name = "kling"
    regions: Mapping[str, str] = {"cn": "CNY", "intl": "USD"}
    settings = Settings
    endpoints = (
        *FILES,
        *(
            Endpoint("POST", f"/{kind}/{{model}}", _answered(partial(modern.create, kind)), "create")
            for kind in ("text-to-video", "image-to-video", "omni-video", "motion-control")
        ),
        Endpoint("GET", "/tasks", _answered(modern.get), _asked),
        Endpoint("POST", "/tasks", _answered(modern.list_tasks), "find"),
        Endpoint("GET", "/account/costs", _answered(legacy.costs), "account"),
        Endpoint("POST", "/v1/videos/{product}", _answered(legacy.create), "create"),
        Endpoint("GET", "/v1/videos/{product}", _answered(legacy.list_tasks), "find"),
        Endpoint("GET", "/v1/videos/{product}/{id}", _answered(legacy.get), _asked_legacy),
        Endpoint("POST", _ELEMENTS, _answered(elements.create), "upload"),
        Endpoint("GET", _ELEMENTS, _answered(elements.list_elements), "upload"),
        Endpoint("GET", _ELEMENTS + "/{id}", _answered(elements.get), "upload"),
        Endpoint("POST", "/v1/general/delete-advanced-elements", _answered(elements.delete), "upload"),
    )

    def failure(self, call: Call, status: int, code: str | int | None) -> Response:
        return errors.usual(call, status, code)

    def lost(self, call: Call, *, path_exists: bool) -> Response:
        return errors.refused(call, Refusal(1202 if path_exists else 1203))

    def gone(self, call: Call, job: Job) -> bool:
        return False

    def file_refused(self, call: Call, *, expired: bool) -> Response:
        return JSONResponse({"error": "not found"}, call.options.expired_status if expired else 403)


VENDOR = Kling()
