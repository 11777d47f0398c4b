"""Hailuo: MiniMax's platform in China (cn) and abroad (intl), both generations of its video API."""

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from dramagen.emulator.files import FILES
from dramagen.emulator.hailuo import errors, tasks, v1, v2
from dramagen.emulator.hailuo.errors import Refusal
from dramagen.emulator.hailuo.settings import Settings
from dramagen.emulator.state import Job
from dramagen.emulator.world import Call, Endpoint, Handler, plain


def _answered(act: Handler) -> Handler:
    """Turn a refusal raised anywhere into the vendor's error answer."""

    async def handle(call: Call) -> Response:
        try:
            return await act(call)
        except Refusal as refusal:
            return errors.refused(call, refusal)

    return handle


async def _balance(call: Call) -> Response:
    left = plain(call.options.balance - tasks.account(call).spent(call.now))
    money = {"available_amount": left, "cash_balance": left, "voucher_balance": "0", "credit_balance": "0"}
    return JSONResponse(money | {"owed_amount": "0"} | errors.base())


_V1, _V2 = "/v1/query/video_generation", "/v2/query/video_generation"


class Hailuo:
    """MiniMax's video platform."""

    name = "hailuo"
    regions: Mapping[str, str] = {"cn": "CNY", "intl": "USD"}
    settings = Settings
    endpoints = (
        *FILES,
        Endpoint("POST", "/v1/video_generation", _answered(v1.create), "create"),
        Endpoint("GET", _V1, _answered(v1.query), "poll"),
        Endpoint("GET", "/v1/files/retrieve", _answered(v1.retrieve), "poll"),
        Endpoint("GET", "/v1/files/retrieve_content", _answered(v1.retrieve_content), "content"),
        Endpoint("POST", "/v2/video_generation", _answered(v2.create), "create"),
        Endpoint("GET", _V2, _answered(v2.list_tasks), "find"),
        Endpoint("GET", _V2 + "/{id}", _answered(v2.get), "poll"),
        Endpoint("DELETE", "/v2/video_generation/{id}", _answered(v2.delete), "cancel"),
        Endpoint("GET", "/account/query_balance", _answered(_balance), "account"),
    )

    def failure(self, call: Call, status: int, code: str | int | None) -> Response:
        return errors.usual(call, status, code)

    def lost(self, call: Call, *, path_exists: bool) -> Response:
        return Response("404 page not found", 405 if path_exists else 404, media_type="text/plain")

    def gone(self, call: Call, job: Job) -> bool:
        return not tasks.visible(call, job)

    def file_refused(self, call: Call, *, expired: bool) -> Response:
        """The object store answers in XML."""
        why = "Request has expired." if expired else "The request signature does not match."
        xml = f'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>{why}</Message></Error>'
        return Response(xml, 403, media_type="application/xml")


VENDOR = Hailuo()
