"""The shots of the report: what was asked, and every take side by side, playable."""

import base64
import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from dramagen.bench.page_tables import key, seconds
from dramagen.bench.results import Results
from dramagen.bench.suite import facets
from dramagen.bench.take import Take, TakeId
from dramagen.bench.verdicts import Decision
from dramagen.medium import Image
from dramagen.shot import Shot

PICTURE_SIDE = 168
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_BY = {
    "person": "by a person", "vendor": "by the vendor", "checks": "by the technical checks", "judge": "by the judge",
    "nobody": "",
}  # fmt: skip


def language(text: str) -> str:
    """``zh`` or ``en``, so that a browser picks the right letters."""
    return "zh" if _CHINESE.search(text) else "en"


def shot_section(results: Results, shot: Shot, takes: Sequence[Take], films: Mapping[TakeId, Path]) -> str:
    """One shot with its takes. ``films`` has the small copies that are embedded; other takes are linked."""
    width, height = (int(side) for side in shot.aspect_ratio.split(":"))
    tags = "".join(f'<span class="tag">{escape(tag)}</span>' for _, tag in facets(shot))
    lines = "".join(
        f'<p lang="{language(line.text)}">{escape(line.speaker)}: “{escape(line.text)}”</p>'
        for line in shot.dialogue
    )
    camera = (
        f'<span class="tag">camera: {escape(shot.camera.move)}, {escape(shot.camera.speed)}</span>'
        if shot.camera
        else ""
    )
    numbers = {route: number for number, route in enumerate(results.routes)}
    cells = "".join(_take(results, take, numbers[take.id.route], films.get(take.id)) for take in takes)
    name = escape(shot.id or shot.name)
    return (
        f'<section class="card{" wide" if width > height else ""}" id="{name}">'
        f'<div class="head"><h3>{name}</h3><button class="all" type="button">play all, silently</button></div>'
        f"{tags}{camera}"
        f'<p class="prompt" lang="{language(shot.prompt)}">{escape(shot.prompt.strip())}</p>'
        f'{lines}{_given(shot)}<div class="takes">{cells}</div></section>'
    )


def _take(results: Results, take: Take, number: int, film: Path | None) -> str:
    decision = results.verdicts.of_take(take)
    link = ""
    if take.clip is not None:
        link = f'<a href="{escape(take.clip)}">original</a>'
    said = [
        f"<li class={'bad' if m.verdict == 'reject' else 'warn'}>{_where(m.at)}{escape(m.message)}</li>"
        for m in take.marks
    ]
    if results.judgement is not None:
        said += [
            f'<li class="soft">judge: {_where(answer.at)}{escape(answer.question)}</li>'
            for answer in results.judgement.defects(take.id)
        ]
    listed = f"<ul>{''.join(said)}</ul>" if said else ""
    cost = "" if take.cost is None else escape(str(take.cost))
    facts = " · ".join(part for part in (f"take {take.id.take}", cost, _lag(take), link) if part)
    return (
        f'<div class="take">{_film(take, film)}<div class="facts"><div>{key(number, take.id.route)}</div>'
        f'<div class="soft">{facts}</div>{_decided(decision)}{listed}{_votes(take, decision)}</div></div>'
    )


def _film(take: Take, film: Path | None) -> str:
    if film is None:
        why = take.error[1] if take.error else "not embedded: the page would grow too large; see the original"
        return f'<div class="none">{escape(why)}</div>'
    width, height = take.signs.get("width"), take.signs.get("height")
    ratio = f' style="aspect-ratio:{width:g}/{height:g}"' if width and height else ""
    data = base64.b64encode(film.read_bytes()).decode("ascii")
    name = f"v{hashlib.sha256(str(take.id).encode()).hexdigest()[:16]}"
    return (
        f'<script type="text/plain" id="{name}">{data}</script>'
        f'<video data-clip="{name}" controls loop playsinline preload="auto"{ratio}></video>'
    )


def _lag(take: Take) -> str:
    return "" if take.seconds is None else f"{seconds(take.seconds)} wait"


def _where(at: float | None) -> str:
    return "" if at is None else f"{at:.1f} s: "


def _decided(decision: Decision) -> str:
    if decision.accepted is None:
        return '<div class="soft">undecided</div>'
    if decision.accepted and decision.by == "checks":
        return '<div class="soft">passed the technical checks</div>'
    word, colour = ("accepted", "good") if decision.accepted else ("rejected", "bad")
    why = f": {escape(decision.why)}" if decision.by == "person" and decision.why else ""
    return f'<div class="{colour}">{word} {_BY[decision.by]}{why}</div>'


def _votes(take: Take, decision: Decision) -> str:
    if take.clip is None:
        return ""
    record = escape(
        json.dumps({"shot": take.id.shot, "route": take.id.route, "take": take.id.take}, ensure_ascii=False)
    )
    voted = decision.accepted if decision.by == "person" else None
    yes, no = (str(voted is wanted).lower() for wanted in (True, False))
    return (
        f'<div class="votes" data-take="{record}">'
        f'<button type="button" class="yes" aria-pressed="{yes}">accept</button>'
        f'<button type="button" class="no" aria-pressed="{no}">reject</button></div>'
    )


def _given(shot: Shot) -> str:
    pictures = [("first frame", shot.first_frame), ("last frame", shot.last_frame)]
    pictures += [(reference.name, image) for reference in shot.references for image in reference.images[:1]]
    shown = "".join(
        f'<figure><img alt="{escape(name)}" src="{source}">'
        f'<figcaption lang="{language(name)}">{escape(name)}</figcaption></figure>'
        for name, image in pictures
        if image is not None and (source := _picture(image))
    )
    return f'<div class="given">{shown}</div>' if shown else ""


def _picture(image: Image) -> str:
    """A small JPEG of a picture as a data URI; empty for one that is known by address only."""
    from PIL import Image as Pictures

    if image.url is not None:
        return ""
    with Pictures.open(io.BytesIO(image.read())) as picture:
        small = picture.convert("RGB")
    small.thumbnail((PICTURE_SIDE, PICTURE_SIDE * 2))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=78)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
