"""The results of a benchmark, as a document: ``results.json``. Its fields are described in ``docs/bench.md``."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from dramagen.bench.figures import Figures, by_route, by_tag, figures
from dramagen.bench.judging import Judgement, judgement_of
from dramagen.bench.suite import Suite, facets, profile_of
from dramagen.bench.take import Take, TakeId
from dramagen.bench.verdicts import Verdicts
from dramagen.bench.votes import Votes
from dramagen.episode.picks import write_whole
from dramagen.errors import ConfigError
from dramagen.money import Money, Rates, total
from dramagen.routing.frontier import Point, aiq, hull
from dramagen.routing.pairwise import Comparison, rate

FILE = "results.json"
FORMAT = "dramagen-bench/1"


@dataclass(frozen=True)
class Plane:
    """The cost-quality plane: each route's mean cost of a take and share accepted, and what mixing them can reach.

    ``aiq`` is the average quality of the hull from nothing to the dearest route; None where nothing costs anything.
    """

    points: Mapping[str, Point]
    hull: tuple[Point, ...]
    aiq: float | None


@dataclass(frozen=True)
class Results:
    """Everything a benchmark found.

    Attributes:
        takes: every take, in the order of the suite.
        per_shot: how many takes of each shot were asked of each route.
        emulated: the providers were an emulator's, so that only costs and the way of working mean anything.
        judgement: what a judge said, where one was asked.
    """

    suite: Suite
    takes: tuple[Take, ...]
    per_shot: int
    votes: Votes
    currency: str
    rates: Rates
    emulated: bool = False
    judgement: Judgement | None = None
    made: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def said(self) -> dict[TakeId, tuple[bool, str]]:
        """What people said: the last review in the studio, and before that the votes on this benchmark."""
        return {take.id: take.reviews[-1] for take in self.takes if take.reviews} | self.votes.takes

    @cached_property
    def verdicts(self) -> Verdicts:
        """How its takes are decided."""
        judged = self.judgement.deciding(self.said) if self.judgement is not None else {}
        return Verdicts(self.said, judged)

    def group(self, takes: Sequence[Take]) -> Figures:
        """The figures of some of its takes."""
        return figures(takes, self.verdicts, self.rates, self.currency)

    @cached_property
    def routes(self) -> dict[str, Figures]:
        """The figures of each route."""
        return {route: self.group(takes) for route, takes in by_route(self.takes).items()}

    @cached_property
    def tags(self) -> dict[tuple[str, str], dict[str, Figures]]:
        """The figures of each route on the shots of each (kind, tag)."""
        return {
            facet: {route: self.group(takes) for route, takes in routes.items()}
            for facet, routes in by_tag(self.suite, self.takes).items()
        }

    @cached_property
    def plane(self) -> Plane:
        """The cost-quality plane of the routes with decided takes."""
        points = {
            route: (float(found.per_take.amount), found.rate)
            for route, found in self.routes.items()
            if found.rate is not None
        }
        most = max((cost for cost, _ in points.values()), default=0.0)
        quality = aiq(points.values(), most) if most > 0 else None
        return Plane(points, tuple(hull(points.values())), quality)

    @property
    def spent(self) -> tuple[Money, ...]:
        """What all takes cost, whenever that was paid, by currency."""
        return total(take.cost for take in self.takes if take.cost is not None and take.cost)

    def to_json(self) -> dict[str, Any]:
        """The document ``results.json``."""
        plane = self.plane
        return {
            "format": FORMAT,
            "made": self.made.isoformat(timespec="seconds"),
            "suite": {
                "name": self.suite.name, "source": self.suite.source,
                "title": self.suite.title,
                "shots": [
                    {
                        "id": shot.id, "prompt": shot.prompt, "duration": shot.duration,
                        "profile": profile_of(shot).name, "tags": [list(facet) for facet in facets(shot)],
                    }
                    for shot in self.suite.shots
                ],
                "left_out": list(self.suite.left_out),
            },
            "takes_per_shot": self.per_shot,
            "emulated": self.emulated,
            "basis": self.verdicts.basis,
            "currency": self.currency,
            "rates": {
                "date": self.rates.stated.isoformat(),
                "per_usd": {name: str(value) for name, value in sorted(self.rates.per_usd.items())},
            },
            "spent": [money.to_json() for money in self.spent],
            "routes": [{"route": route, **found.to_json()} for route, found in self.routes.items()],
            "plane": {
                "points": [{"route": r, "cost": c, "rate": q} for r, (c, q) in plane.points.items()],
                "hull": [list(point) for point in plane.hull],
                "aiq": plane.aiq,
            },
            "tags": [
                {"kind": kind, "tag": tag, "routes": [{"route": r, **f.to_json()} for r, f in routes.items()]}
                for (kind, tag), routes in self.tags.items()
            ],
            "preferred": self.preferred(),
            "judge": None if self.judgement is None else self.judgement.to_json(self.said),
            "takes": [take.to_json() | self._decided(take) for take in self.takes],
        }  # fmt: skip

    def preferred(self) -> list[dict[str, Any]]:
        """Ratings from the pairs people compared (Bradley-Terry, 1000 is the middle), best first."""
        compared = [Comparison(p.better.route, p.worse.route, "a") for p in self.votes.pairs]
        compared = [c for c in compared if c.a != c.b]
        if not compared:
            return []
        wins, found = self.votes.wins(), rate(compared).by_model
        return [
            {
                "route": route, "points": round(rating.points, 1), "error": round(rating.error, 1),
                "wins": wins[route][0], "compared": wins[route][1],
            }
            for route, rating in sorted(found.items(), key=lambda item: -item[1].points)
        ]  # fmt: skip

    def _decided(self, take: Take) -> dict[str, Any]:
        decision = self.verdicts.of_take(take)
        return {"accepted": decision.accepted, "by": decision.by, "why": decision.why}

    def save(self, folder: Path) -> Path:
        """Write ``results.json``; returns where it is."""
        path = folder / FILE
        write_whole(path, json.dumps(self.to_json(), ensure_ascii=False, indent=1) + "\n")
        return path


def load_takes(folder: Path) -> tuple[Take, ...]:
    """The takes of an earlier run; none where there was none.

    Raises ``ConfigError`` for a file this release does not understand.
    """
    if not (folder / FILE).exists():
        return ()
    with _reading(folder) as document:
        return tuple(Take.parse(record) for record in document["takes"])


def load_results(folder: Path) -> Results:
    """The results of a folder, with the votes that lie beside them.

    Raises:
        ConfigError: there are none, this release does not understand them, or their suite is gone.
    """
    with _reading(folder) as document:
        judge = document["judge"]
        rates = document["rates"]
        return Results(
            suite=Suite.load(document["suite"]["source"]),
            takes=tuple(Take.parse(record) for record in document["takes"]),
            per_shot=document["takes_per_shot"],
            votes=Votes.load(folder),
            currency=document["currency"],
            rates=Rates(rates["per_usd"], date.fromisoformat(rates["date"])),
            emulated=document["emulated"],
            judgement=None if judge is None else judgement_of(judge),
            made=datetime.fromisoformat(document["made"]),
        )


@contextmanager
def _reading(folder: Path) -> Iterator[dict[str, Any]]:
    """The document of a folder; whatever is wrong with it is a ``ConfigError``."""
    path = folder / FILE
    try:
        document = json.loads(path.read_bytes())
        if document["format"] != FORMAT:
            raise ConfigError(f"{path}: format {document['format']!r}; this release reads {FORMAT}")
        yield document
    except FileNotFoundError:
        raise ConfigError(f"{folder} has no {FILE}: dramagen bench films one") from None
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ConfigError(f"{path}: damaged ({problem!r}); delete it and run the benchmark again") from None
