"""The ASGI application: each vendor under its own path, and the control endpoints under ``/_emulator``."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

import anyio
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dramagen.emulator.callbacks import Send
from dramagen.emulator.clock import Clock, ScaledClock
from dramagen.emulator.faults import Fault, played
from dramagen.emulator.world import Call, Endpoint, Settings, Vendor, World

_METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]
_SECRET_HEADERS = ("authorization", "x-api-key", "cookie")
_LONG = 200  # characters of a string above which a logged body is shortened


def app(
    *,
    speed: float = 1.0,
    clock: Clock | None = None,
    settings: Settings | None = None,
    send: Send | None = None,
) -> Starlette:
    """An emulator of every vendor, as an ASGI application.

    ``speed`` is virtual seconds per real second; ``clock`` replaces it. ``settings`` are options per provider
    (``GET /_emulator/settings`` lists them). ``send`` posts callbacks, by default over the network.
    Callbacks are delivered while the application's lifespan runs. Raises ``ValueError`` for wrong settings.
    """
    world = World(clock or ScaledClock(speed), settings or {}, send)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(world.outbox.run)
            yield
            tasks.cancel_scope.cancel()

    return Starlette(routes=[*_control(world), _vendors(world)], lifespan=lifespan)


def _control(world: World) -> list[Route]:
    async def bill(_: Request) -> Response:
        return JSONResponse({"jobs": world.bill()})

    async def requests(_: Request) -> Response:
        return JSONResponse({"requests": [*world.requests]})

    async def reset(_: Request) -> Response:
        world.reset()
        return JSONResponse({})

    async def faults(request: Request) -> Response:
        if request.method == "POST":
            asked = await request.json()
            for fault in [
                Fault.model_validate(each) for each in (asked if isinstance(asked, list) else [asked])
            ]:
                if fault.provider not in (*world.vendors, "*"):
                    raise ValueError(f"unknown provider {fault.provider!r}; known: {sorted(world.vendors)}")
                world.faults.add(fault)
        elif request.method == "DELETE":
            world.faults.clear()
        return JSONResponse({"faults": world.faults.pending()})

    async def settings(request: Request) -> Response:
        if request.method == "POST":
            world.change(await request.json())
        return JSONResponse({name: option.model_dump(mode="json") for name, option in world.options.items()})

    return [
        Route("/_emulator/bill", bill),
        Route("/_emulator/requests", requests),
        Route("/_emulator/reset", reset, methods=["POST"]),
        Route("/_emulator/faults", _checked(faults), methods=["GET", "POST", "DELETE"]),
        Route("/_emulator/settings", _checked(settings), methods=["GET", "POST"]),
    ]


def _checked(handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def checked(request: Request) -> Response:
        try:
            return await handle(request)
        except ValidationError as wrong:
            problems = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong.errors()]
            return JSONResponse({"error": "; ".join(problems)}, 400)
        except ValueError as wrong:
            return JSONResponse({"error": str(wrong)}, 400)

    return checked


def _vendors(world: World) -> Route:
    async def answer(request: Request) -> Response:
        name, _, region = request.path_params["place"].partition("@")
        vendor = world.vendors.get(name)
        if vendor is None:
            return JSONResponse({"error": f"no provider {name!r} here; known: {sorted(world.vendors)}"}, 404)
        region = region or next(iter(vendor.regions))
        if region not in vendor.regions:
            return JSONResponse({"error": f"no region {region!r} of {name}; known: {[*vendor.regions]}"}, 404)
        try:
            answered = await _answer(world, vendor, region, request)
        except ClientDisconnect:
            return Response(status_code=499)  # whoever asked has gone before saying it all; nobody reads this
        # The vendor's clock, not this machine's: a client may compare the two.
        answered.headers["date"] = formatdate(world.clock.stamp(world.clock.now()), usegmt=True)
        return answered

    return Route("/{place}{path:path}", answer, methods=_METHODS)


async def _answer(world: World, vendor: Vendor, region: str, request: Request) -> Response:
    body = await request.body()
    world.requests.append(_logged(request, body, world.clock.stamp(world.clock.now())))
    call = Call(world, vendor, region, request, body)
    path_exists = False
    for pattern, endpoint in world.routes[vendor.name]:
        match = pattern.match(request.path_params["path"])
        if match is None:
            continue
        path_exists = True
        if endpoint.method == request.method:
            call.params = match.groupdict()
            return await _faulted(call, endpoint)
    return vendor.lost(call, path_exists=path_exists)


async def _faulted(call: Call, endpoint: Endpoint) -> Response:
    on = endpoint.on if isinstance(endpoint.on, str) else endpoint.on(call)
    fault = call.world.faults.take(call.vendor.name, on)
    if fault is None:
        return await endpoint.handle(call)
    call.never = fault.kind == "never"
    return await played(
        fault,
        call.world.faults,
        call.request,
        lambda: endpoint.handle(call),
        lambda: call.vendor.failure(call, fault.status, fault.code),
        call.world.clock.speed,
    )


def _logged(request: Request, body: bytes, at: float) -> dict[str, Any]:
    headers = {
        name: "<redacted>" if name in _SECRET_HEADERS else value for name, value in request.headers.items()
    }
    query = {name: value for name, value in request.query_params.multi_items() if name != "signature"}
    return {
        "method": request.method,
        "path": request.url.path,
        "query": query,
        "headers": headers,
        "body": _shortened(_parsed(body)),
        "at": at,
    }


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")


def _shortened(value: Any) -> Any:
    match value:
        case dict():
            return {key: _shortened(each) for key, each in value.items()}
        case list():
            return [_shortened(each) for each in value]
        case str() if len(value) > _LONG and " " not in value:
            return f"{value[:64]}... ({len(value)} characters)"
        case _:
            return value
