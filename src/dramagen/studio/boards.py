"""The public boards that can be asked for ratings: one with a key of the user's own, one without.

Artificial Analysis, "API" and "Video Arena methodology" (read 2026-11-22). ``GET`` of
``/api/v2/data/media/text-to-video`` and ``.../image-to-video`` with the header ``x-api-key`` gives name, slug, elo
and ci95 (such as "-11/11") of each model.

arena.ai publishes its boards as the dataset lmarena-ai/leaderboard-dataset (CC BY 4.0), whose rows Hugging Face hands
out a hundred at a time ("Dataset viewer: Quickstart", ``/rows``, read 2026-11-22). Subsets, columns and that the
``latest`` split is the board of today are as others who read it describe them. UNVERIFIED: this address has not been
asked for the video subsets while this was written; ``--url`` names another that answers alike.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from httpx import Request, Response

from dramagen.adapters.base import Flow
from dramagen.catalog.access import Access
from dramagen.catalog.secret import Secret
from dramagen.engine.clock import Clock
from dramagen.engine.http import Http
from dramagen.errors import AuthError, ProviderUnavailable
from dramagen.routing.priors import Board, Ratings
from dramagen.studio.arena import own_name
from dramagen.studio.ratings import PATHS, Listed, Refreshed, aligned

KEY = "ARTIFICIAL_ANALYSIS_API_KEY"

_DATASET = "lmarena-ai/leaderboard-dataset"
_SUBSETS: Mapping[Board, str] = {"text": "text_to_video", "image": "image_to_video"}
_PAGE, _PAGES = 100, 50
"""Rows asked for at once, the most there are; and how often, lest an answer that never ends keeps us."""
_WHOLE = "overall"
"""The category of the whole board; the others are parts of it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A publisher of ratings.

    Attributes:
        title: what is kept beside its ratings.
        key: the environment variable with the user's key; None where none is asked for.
        rows: the flow that gives one board's ratings.
    """

    title: str
    url: str
    key: str | None
    rows: Callable[[Board], Flow[list[Listed]]]


async def fetch_ratings(
    source: Source,
    cards: Mapping[Board, Ratings],
    names: Mapping[str, str],
    clock: Clock,
    *,
    key: str | None = None,
    url: str | None = None,
) -> dict[Board, Refreshed]:
    """A publisher's ratings of the models there are cards of, on the scale of ``cards``.

    Args:
        names: titles by model id.
        key: where the source wants one.
        url: in the place of the source's own address.

    Raises ``AuthError`` for a key that is not taken, ``ProviderUnavailable`` where nobody answers, or not as the
    source does.
    """
    http = Http(now=clock.now)
    access = Access(source.title, "", url or source.url, True, Secret(key=key) if key else None)
    try:
        return {
            board: aligned(await http.run(source.rows(board), _Key(), access), cards[board], names)
            for board in PATHS
        }
    finally:
        await http.aclose()


class _Key:
    def sign(self, request: Request, secret: Secret, now: float) -> None:
        if secret.key:
            request.headers["x-api-key"] = secret.key


def _artificial_analysis(board: Board) -> Flow[list[Listed]]:
    response = yield Request("GET", f"/api/v2/data/media/{PATHS[board]}")
    if response.status_code in (401, 403):
        raise AuthError(f"the key in {KEY} is not taken", provider="Artificial Analysis")
    return [
        Listed(
            name=str(row.get("name", "")),
            also=str(row.get("slug", "")),
            rating=float(row["elo"]),
            interval=_half(row.get("ci95")),
        )
        for row in _answer(response)["data"]
        if row.get("elo") is not None
    ]


def _arena(board: Board) -> Flow[list[Listed]]:
    found: list[Listed] = []
    asked = {"dataset": _DATASET, "config": _SUBSETS[board], "split": "latest", "length": str(_PAGE)}
    seen, total = 0, 1
    for page in range(_PAGES):
        response = yield Request("GET", "/rows", params={**asked, "offset": str(page * _PAGE)})
        body = _answer(response)
        rows, total = [each["row"] for each in body["rows"]], int(body["num_rows_total"])
        seen += len(rows)
        found += [_listed(row, board) for row in rows if row["category"] == _WHOLE]
        if not rows or (page + 1) * _PAGE >= total:
            break
    if seen < total:
        raise ProviderUnavailable(f"the board ended after {seen} of its {total} rows", provider="arena.ai")
    if not found:
        raise ProviderUnavailable(f"the board has no rows of category {_WHOLE!r}", provider="arena.ai")
    return found


def _listed(row: Mapping[str, Any], board: Board) -> Listed:
    low, high = row.get("rating_lower"), row.get("rating_upper")
    return Listed(
        name=row["model_name"],
        also=own_name(row["model_name"], board),
        rating=float(row["rating"]),
        interval=None if low is None or high is None else round((float(high) - float(low)) / 2, 1),
        published=str(row.get("leaderboard_publish_date") or ""),
    )


def _answer(response: Response) -> Any:
    if response.status_code != 200:
        raise ProviderUnavailable(f"the board answers {response.status_code}")
    return response.json()


def _half(interval: object) -> float | None:
    numbers = [abs(float(number)) for number in re.findall(r"[-+]?\d+(?:\.\d+)?", str(interval or ""))]
    return max(numbers) if numbers else None


SOURCES: Mapping[str, Source] = {
    "arena": Source(
        "arena.ai leaderboard dataset (CC BY 4.0)",
        "https://datasets-server.huggingface.co",
        None,
        _arena,
    ),
    "artificialanalysis": Source(
        "Artificial Analysis video arena", "https://artificialanalysis.ai", KEY, _artificial_analysis
    ),
}
"""By the name a user gives."""
