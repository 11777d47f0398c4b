"""Bodies as the servers read them: a multipart form or JSON, brought to one shape."""

import re
from dataclasses import dataclass, field
from typing import Any

from dramagen.emulator.sora.errors import FormRefusal, invalid
from dramagen.emulator.world import Call

_DISPOSITION = re.compile(rb'(name|filename)="([^"]*)"')


@dataclass(frozen=True)
class File:
    """An uploaded file."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Form:
    """What was sent. ``values`` are texts in a form, any JSON otherwise."""

    multipart: bool
    values: dict[str, Any] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)


def read_form(call: Call) -> Form:
    """The create's body; raises the server's refusal of one it cannot read."""
    kind = call.request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        return _multipart(call.body, _boundary(kind))
    if call.options.profile == "vllm-omni":
        raise FormRefusal("prompt", "Field required")  # JSON is not looked at
    try:
        values = call.json()
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise invalid("We could not parse the JSON body of your request.")
    return Form(False, {name: value for name, value in values.items() if value is not None})


def _boundary(kind: str) -> bytes:
    found = re.search(r'boundary="?([^";,]+)"?', kind)
    if found is None:
        raise invalid("Missing boundary in multipart.")
    return found[1].encode()


def _multipart(body: bytes, boundary: bytes) -> Form:
    form = Form(True)
    parts = body.split(b"--" + boundary)
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise invalid("There was an error parsing the body.")
    for part in parts[1:-1]:
        head, gap, content = part.partition(b"\r\n\r\n")
        named = dict(_DISPOSITION.findall(head))
        if not gap or b"name" not in named or not content.endswith(b"\r\n"):
            raise invalid("There was an error parsing the body.")
        name, content = named[b"name"].decode(), content[:-2]
        if b"filename" in named:
            media_type = re.search(rb"(?i)content-type: *([^\r\n;]+)", head)
            form.files[name] = File(
                named[b"filename"].decode(errors="replace"),
                media_type[1].decode() if media_type else "application/octet-stream",
                content,
            )
        else:
            form.values[name] = content.decode(errors="replace")
    return form


def whole(form: Form, name: str) -> int | None:
    """A whole number of the form, or None where it is not there; raises ``FormRefusal``."""
    value = form.values.get(name)
    if value is None:
        return None
    try:
        return int(value) if not isinstance(value, bool) else _no_number(name)
    except (TypeError, ValueError):
        return _no_number(name)


def _no_number(name: str) -> int:
    raise FormRefusal(name, "Input should be a valid integer, unable to parse string as an integer")
