"""A shot for another process: JSON in which media are named by the hash of their content.

No bytes, no path of this machine and no URL is in it, since a signed URL is a key; the content is in the store.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dramagen.engine.intake import Intake, shot_from_record, shot_record
from dramagen.errors import InvalidShot
from dramagen.shot import Shot
from dramagen.store import Store

_UNSAID: tuple[object, ...] = (None, "", [], {})


def pack(shot: Shot, intake: Intake) -> dict[str, Any]:
    """The record of a shot whose URLs are fetched; its media are in the store from now on. Blocks."""
    intake.keep(shot)
    record: dict[str, Any] = json.loads(json.dumps(shot_record(shot, intake)))
    return {name: value for name, value in record.items() if value not in _UNSAID}


def unpack(record: Mapping[str, Any], store: Store) -> Shot:
    """The shot of a record. Raises ``InvalidShot`` for one without sense, or whose media are elsewhere. Blocks."""
    for sha256 in _media(record):
        if store.inputs.path(sha256) is None:
            name = record.get("id") or str(record.get("prompt"))[:20]
            raise InvalidShot(
                f"{name}: the medium {sha256[:12]}… is not in the store of {store.home}; whoever films a shot "
                "shares the store of whoever ordered it"
            )
    return shot_from_record(dict(record), store)


def _media(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        if set(value) == {"sha256"}:
            yield str(value["sha256"])
        else:
            for part in value.values():
                yield from _media(part)
    elif isinstance(value, list):
        for part in value:
            yield from _media(part)
