"""A public board asked for its ratings, with the user's own key.

Artificial Analysis, "API" and "Video Arena methodology" (read 2026-11-22). ``GET`` of
``/api/v2/data/media/text-to-video`` and ``.../image-to-video`` with the header ``x-api-key`` gives name, slug, elo
and ci95 (such as "-11/11") of each model.
"""

from collections.abc import Mapping
from typing import Any

from httpx import Request

from dramagen.adapters.base import Flow
from dramagen.catalog.access import Access
from dramagen.catalog.secret import Secret
from dramagen.engine.clock import Clock
from dramagen.engine.http import Http
from dramagen.errors import AuthError, ProviderUnavailable
from dramagen.routing.priors import Board, Ratings
from dramagen.studio.ratings import PATHS, Refreshed, aligned

URL = "https://artificialanalysis.ai"
KEY = "ARTIFICIAL_ANALYSIS_API_KEY"
_BOARD = "artificialanalysis"


async def fetch_ratings(
    cards: Mapping[Board, Ratings], names: Mapping[str, str], key: str, clock: Clock, url: str = URL
) -> dict[Board, Refreshed]:
    """The board's ratings of the models there are cards of, on the scale of ``cards``.

    Args:
        names: titles by model id.

    Raises ``AuthError`` for a key that is not taken, ``ProviderUnavailable`` where nobody answers.
    """
    http = Http(now=clock.now)
    access = Access(_BOARD, "", url, True, Secret(key=key))
    try:
        return {
            board: aligned(await http.run(_listed(path), _Key(), access), cards[board], names)
            for board, path in PATHS.items()
        }
    finally:
        await http.aclose()


class _Key:
    def sign(self, request: Request, secret: Secret, now: float) -> None:
        if secret.key:
            request.headers["x-api-key"] = secret.key


def _listed(path: str) -> Flow[list[Mapping[str, Any]]]:
    response = yield Request("GET", f"/api/v2/data/media/{path}")
    if response.status_code in (401, 403):
        raise AuthError(f"the key in {KEY} is not taken", provider=_BOARD)
    if response.status_code != 200:
        raise ProviderUnavailable(f"the board answers {response.status_code}", provider=_BOARD)
    rows: list[Mapping[str, Any]] = [row for row in response.json()["data"] if row.get("elo") is not None]
    return rows
