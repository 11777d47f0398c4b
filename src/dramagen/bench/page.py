"""The report: one HTML file with everything in it. It asks nothing of the network and reads on a phone."""

from collections.abc import Callable, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path

from dramagen.bench import page_tables, page_takes, plane
from dramagen.bench.figures import by_route
from dramagen.bench.preview import preview
from dramagen.bench.results import Results
from dramagen.bench.take import Take, TakeId
from dramagen.episode.picks import write_whole
from dramagen.media.decode import UndecodableMedia

FILE = "report.html"
PREVIEWS = "previews"
ROOM = 24_000_000
"""Bytes of video embedded at most; takes beyond are linked."""

POLICY = "default-src 'none'; media-src data:; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def write(results: Results, folder: Path, room: int = ROOM, told: Callable[[], None] = lambda: None) -> Path:
    """Write ``report.html`` beside the clips; returns where it is. Small copies are kept in ``previews/``.

    Args:
        room: bytes of video to embed at most; takes beyond it are linked, which the page says.
        told: called after each take with a clip: drawing small copies takes a while.

    Raises:
        MissingExtra: the ``media`` extra is not installed.
    """
    films = embedded(results, folder, room, told)
    path = folder / FILE
    write_whole(path, _page(results, films))
    return path


def embedded(
    results: Results, folder: Path, room: int, told: Callable[[], None] = lambda: None
) -> dict[TakeId, Path]:
    """The small copies that fit: the first take of every shot and route before any second one."""
    films: dict[TakeId, Path] = {}
    left = room
    for take in sorted(results.takes, key=lambda take: take.id.take):
        if take.clip is None or take.sha256 is None:
            continue
        try:
            film = preview(folder / take.clip, folder / PREVIEWS / f"{take.sha256[:20]}.mp4")
        except (UndecodableMedia, FileNotFoundError):
            continue  # the checks say what is wrong with it
        finally:
            told()
        size = film.stat().st_size
        if size <= left:
            films[take.id] = film
            left -= size
    return films


def _page(results: Results, films: Mapping[TakeId, Path]) -> str:
    code = files("dramagen.bench")
    css, js = ((code / f"page.{kind}").read_text("utf-8") for kind in ("css", "js"))
    title = escape(f"{results.suite.title} · dramagen bench")
    of_shot: dict[str, list[Take]] = {}
    for takes in by_route(results.takes).values():
        for take in takes:
            of_shot.setdefault(take.id.shot, []).append(take)
    shots = "".join(
        page_takes.shot_section(results, shot, of_shot.get(shot.id or shot.name, ()), films)
        for shot in results.suite.shots
    )
    body = f"""<main>
{_head(results, films)}
<h2>What an accepted clip costs</h2>
{page_tables.routes(results)}
<p class="small soft">Ranges hold 95 %: of the share accepted by Jeffreys' interval, of the cost per accepted clip by
the same share. {_money_note(results)}</p>
<h2>Cost and quality</h2>
{_plane(results)}
{page_tables.preferred(results)}
<h2>Defects</h2>
{page_tables.defects(results)}
<h2>By kind of shot</h2>
{page_tables.tags(results)}
{_judge(results)}
<h2>Every take</h2>
<p class="small soft">Small copies; the originals lie beside this file. Votes given here are saved as a file, which
<code>dramagen bench vote</code> reads.</p>
{shots}
<button id="save" type="button" data-words="save {{}} votes as votes.json"></button>
</main>"""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><link rel="icon" href="data:,">'
        f"<style>{css}</style></head>\n<body>{body}\n<script>{js}</script></body></html>\n"
    )


def _head(results: Results, films: Mapping[TakeId, Path]) -> str:
    suite = results.suite
    spent = " + ".join(str(money) for money in results.spent) or "nothing"
    parts = [
        f'<h1 lang="{page_takes.language(suite.title)}">{escape(suite.title)}</h1>',
        f'<p class="soft">{len(suite.shots)} shots · {len(results.routes)} routes · {results.per_shot} takes of each'
        f" · {escape(spent)} · {results.made:%Y-%m-%d %H:%M} UTC</p>",
    ]
    if results.emulated:
        parts.append(_note(
            "Filmed on an emulator: the pictures are test patterns and the waits invented; prices are the cards'. "
            "Nothing here says how good a model is."
        ))  # fmt: skip
    if results.verdicts.basis == "checks":
        parts.append(_note(
            "Nobody has looked at these takes yet: “accepted” means only that it passed the technical checks. Vote "
            "below or with “dramagen bench vote”, and the figures become yours."
        ))  # fmt: skip
    undecided = sum(found.undecided for found in results.routes.values())
    if undecided and results.verdicts.basis != "checks":
        parts.append(_note(
            f"{undecided} takes are undecided and left out. Until all are voted on, takes that the technical checks "
            "refused weigh too much."
        ))  # fmt: skip
    uneven = [route for route, found in results.routes.items() if found.unfit]
    if uneven:
        parts.append(
            _note(f"Not every route can film every shot: {escape(', '.join(uneven))} are judged on fewer.")
        )
    linked = sum(take.clip is not None for take in results.takes) - len(films)
    if linked:
        parts.append(_note(f"{linked} takes are linked, not embedded, to keep this page small."))
    if suite.left_out:
        parts.append(
            _note(f"Left out, since they continue other shots: {escape(', '.join(suite.left_out))}.")
        )
    return "\n".join(parts)


def _note(text: str) -> str:
    return f'<p class="note">{text}</p>'


def _money_note(results: Results) -> str:
    currencies = {money.currency for money in results.spent} - {results.currency}
    if not currencies:
        return ""
    rates = ", ".join(
        f"1 {c} = {results.rates.rate(c, results.currency):.4g} {results.currency}"
        for c in sorted(currencies)
    )
    return f"Converted at the rates of {results.rates.stated}: {escape(rates)}."


def _plane(results: Results) -> str:
    found = results.plane
    if not found.points:
        return "<p>Nothing is decided yet.</p>"
    drawn = plane.draw(found, results.routes, results.currency)
    legend = " ".join(
        f'<span class="small">{page_tables.key(number, route)}</span>'
        for number, route in enumerate(results.routes)
    )
    quality = "" if found.aiq is None else (
        f"<p>Mixing these routes reaches the dashed line. Its average height up to the dearest route, the AIQ, is "
        f"<strong>{found.aiq:.2f}</strong>.</p>"
    )  # fmt: skip
    return f"{drawn}<p>{legend}</p>{quality}"


def _judge(results: Results) -> str:
    judgement = results.judgement
    if judgement is None:
        return ""
    value, on = judgement.agreement(results.said)
    agreed = "not known" if value is None else f"{value:.2f}"
    role = "its verdicts count" if judgement.decides(results.said) else "it only sorts, and decides nothing"
    cost = f", {judgement.cost}" if judgement.cost is not None else ""
    wins = [[escape(route), f"{won} of {of}"] for route, (won, of) in sorted(judgement.wins.items())]
    pairs = page_tables.table(["route", "pairs won in both orders"], wins) if wins else ""
    return (
        f"<h2>The judge</h2><p>{escape(judgement.model)} was asked about {len(judgement.answers)} takes "
        f"({judgement.usage.sent + judgement.usage.received:,} tokens{escape(cost)}). "
        f"Agreement with people (kappa): {agreed} on {on} takes, so {role}.</p>{pairs}"
    )
