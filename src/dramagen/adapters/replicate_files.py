"""Putting larger inputs up before a prediction: ``/v1/files``, free.

Source: Replicate's page "Input files" (replicate.com/docs), copies of 2026: data URIs are for small files.
"""

from collections.abc import Mapping

from httpx import Request

from dramagen.adapters import endpoint
from dramagen.adapters.base import Attempt, Flow, json_body
from dramagen.adapters.replicate_answers import fault
from dramagen.catalog.order import Input, Order
from dramagen.errors import DramagenError, ProviderUnavailable

SMALL = 256 * 1024
"""Bytes of a file that travels inside the request."""


def places(order: Order, attempt: Attempt) -> Flow[endpoint.Place]:
    """Where each input of the order is found. Raises the typed error of an upload that failed."""
    inline = endpoint.inline(attempt)
    up: dict[str, str] = {}
    for item in order.inputs():
        content = endpoint.content_of(item, attempt)
        if len(content) > SMALL and item.sha256 not in up:
            up[item.sha256] = yield from _upload(order, item, content, attempt.tag)
    return lambda item: up.get(item.sha256) or inline(item)


def _upload(order: Order, item: Input, content: bytes, tag: str) -> Flow[str]:
    kind = item.media_type.lower()
    name = f"{item.sha256[:32]}.{kind.partition('/')[2]}"
    form = Request(
        "POST",
        "/v1/files",
        files={"content": (name, content, kind)},
        headers={"Content-Type": f"multipart/form-data; boundary=dramagen-{tag}"},
    )
    form.read()  # one piece of bytes, as every request here is
    response = yield form
    body = json_body(response)
    urls = body.get("urls") if response.is_success and isinstance(body, Mapping) else None
    url = urls.get("get") if isinstance(urls, Mapping) else None
    if isinstance(url, str) and url.startswith(("https://", "http://")):
        return url
    error: DramagenError = fault(response, order.route)
    if response.is_success:
        error = ProviderUnavailable("the upload names no file", provider=order.route.provider, billed=False)
    raise error
