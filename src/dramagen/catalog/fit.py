"""Shot x Route -> Quote, or a Refusal that names the one rule the route fails on. No I/O of its own."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from dramagen.catalog import picture, price, words
from dramagen.catalog.cards import ModelCard, ProviderCard
from dramagen.catalog.fitting import UNMEASURED, Adapt, Measure, Notes, NotMeasured, Unfit
from dramagen.catalog.inputs import Desk, fit_exactly, fit_references
from dramagen.catalog.load import SETTINGS, Catalog
from dramagen.catalog.modes import Mode
from dramagen.catalog.order import Order, Quote, Refusal, Trim
from dramagen.catalog.route import Route
from dramagen.errors import InvalidShot
from dramagen.shot import Shot

__all__ = ["UNMEASURED", "Adapt", "Measure", "NotMeasured", "fit", "measured"]


def fit(
    shot: Shot,
    route: Route,
    catalog: Catalog,
    *,
    measure: Measure,
    adapt: Adapt | None = None,
    wording: Callable[[Order], str] | None = None,
    can_trim: bool = True,
    today: date,
    overridden: bool = False,
    planning: bool = False,
) -> Quote | Refusal:
    """What this route would film for this shot, and for how much; or why it cannot.

    Args:
        measure: reads a medium: its content hash, type, size.
        adapt: changes a picture and keeps the result, so that the order names the bytes that are sent; None where
            nothing here can.
        wording: the adapter's: the prompt exactly as it will be sent. Without it the shot's own is measured.
        can_trim: a longer clip can be cut to length here.
        today: decides retirement.
        overridden: the base URL is somebody's own, where a retired model may live on.
        planning: a medium not fetched yet is a warning; without it, :class:`NotMeasured` is raised.
    """
    card, provider = catalog.model(route.provider, route.model), catalog.provider(route.provider)
    notes = Notes(shot.strict)
    try:
        _alive(card, route, notes, today, overridden)
        mode = _mode(shot, card)
        desk = Desk(measure, adapt, card.media, notes, planning)
        order, trim = _order(shot, route, card, provider, mode, desk, notes, can_trim)
        words.check_prompt(_worded(order, wording), mode, notes)
        cost = price.estimate(card, provider, order)
        if cost is None:
            raise Unfit("price", _state_a_price(route, provider))
    except Unfit as no:
        return Refusal(route=route, rule=no.rule, reason=no.reason)
    p50, p90 = _latency(card, order)
    return Quote(
        route=route,
        order=order,
        price=cost,
        trim=trim,
        adjustments=tuple(notes.adjustments),
        seconds=p50,
        seconds_p90=p90,
        rating=next((q.rating for q in card.quality if order.mode in q.modes), None),
        warnings=tuple(notes.warnings),
    )


def measured(order: Order) -> bool:
    """Whether the content of everything the order sends is known. Only such an order may be sent."""
    return all(item.sha256 != UNMEASURED for item in order.inputs())


def _worded(order: Order, wording: Callable[[Order], str] | None) -> str:
    """The prompt as it will be sent; what an adapter has no words for is a reason not to film there."""
    try:
        return wording(order) if wording else order.prompt
    except InvalidShot as problem:
        raise Unfit("prompt", problem.message) from None


def _order(
    shot: Shot,
    route: Route,
    card: ModelCard,
    provider: ProviderCard,
    mode: Mode,
    desk: Desk,
    notes: Notes,
    can_trim: bool,
) -> tuple[Order, Trim | None]:
    if route.region not in card.wire:
        raise Unfit("region", f"{card.id} is not served in region {route.region}")
    duration, trim = picture.fit_length(shot, mode, notes, can_trim)
    videos = [r.video for r in shot.references if r.video is not None and mode.references.videos]
    silent = mode.references.silent_with_video and any(desk.sends_video(video) for video in videos)
    why = "films without sound beside a reference video" if silent else None
    tier, sound = picture.fit_tier(shot, mode, notes, why)
    picture.check_tier_length(mode, tier, duration)
    ratio = picture.fit_ratio(shot, mode)
    width, height = picture.pixels(shot, mode, tier)
    words.fit_camera(shot, mode)
    desk.share(shot)
    first, last = (
        None if image is None else desk.frame(field, image, shot, follows=ratio is None)
        for field, image in (("first_frame", shot.first_frame), ("last_frame", shot.last_frame))
    )
    if mode.exact_frames:
        fit_exactly("first_frame", first, width, height)
        fit_exactly("last_frame", last, width, height)
    order = Order(
        route=route,
        wire={**card.wire[route.region], **mode.wire},
        mode=mode.name,
        prompt=shot.prompt,
        negative_prompt=words.fit_negative(shot, mode, notes),
        duration=duration,
        resolution=tier,
        aspect_ratio=ratio,
        width=width,
        height=height,
        fps=mode.fps,
        audio=sound,
        seed=words.fit_seed(shot, mode, notes),
        first_frame=first,
        last_frame=last,
        references=fit_references(shot, mode, desk, notes, sound, duration) if shot.references else (),
        camera=shot.camera,
        cuts=words.fit_cuts(shot, mode, duration),
        dialogue=words.fit_dialogue(shot, mode, notes, sound),
        options=_options(shot, provider),
    )
    most = card.media.max_total_bytes
    if most is not None and (size := desk.travelling(order.inputs(), order.references)) > most:
        raise Unfit("references", f"{size:,} bytes of media together; at most {most:,}")
    return order, trim


def _alive(card: ModelCard, route: Route, notes: Notes, today: date, overridden: bool) -> None:
    end = card.retires(route.region)
    if end is None or overridden:
        return
    instead = f"; use {' or '.join(card.instead)}" if card.instead else ""
    if end <= today:
        raise Unfit("retired", f"{card.id} was retired on {end}{instead}")
    notes.warn(f"{card.id} retires on {end}{instead}")


def _mode(shot: Shot, card: ModelCard) -> Mode:
    """The mode the shot's inputs call for."""
    frames = (shot.first_frame is not None) + (shot.last_frame is not None)
    wanted = "references" if shot.references else ("text", "first_frame", "first_last_frame")[frames]
    mode = card.mode(wanted)
    if mode is None:
        rule = "references" if shot.references else ("text", "first_frame", "last_frame")[frames]
        has = ", ".join(m.name for m in card.modes) or "nothing its card knows of"
        raise Unfit(rule, f"{wanted} asked; films from {has}")
    if shot.references and frames > mode.references.frames:
        raise Unfit("references", f"{frames} frames beside references; at most {mode.references.frames}")
    return mode


def _options(shot: Shot, provider: ProviderCard) -> Mapping[str, Any]:
    """The caller's extras, none of which may change what was priced and agreed."""
    extras = shot.options.get(provider.name, {})
    taken = sorted(set(_keys(extras)) & set(provider.reserved))
    if taken:
        raise Unfit("options", f"options may not set {', '.join(taken)}: the shot's own fields decide that")
    if provider.local and shot.id is not None:
        # An animatic burns in which shot it stands for; a film must not depend on what its shot is called.
        return {"label": shot.id, **extras}
    return extras


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _keys(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _keys(inner)


def _state_a_price(route: Route, provider: ProviderCard) -> str:
    currency = provider.regions[route.region].currency
    row = f'{{ per = "second", amount = "0.60", currency = "{currency}" }}'
    line = f'providers.{route.provider}.models."{route.model}".price = [{row}]'
    return f"no price is known; state yours in {SETTINGS}, such as: {line}"


def _latency(card: ModelCard, order: Order) -> tuple[float | None, float | None]:
    row = next((row for row in card.latency if row.when.matches(order)), None)
    if row is None:
        return None, None
    return row.scaled(row.p50, order.duration), row.scaled(row.p90, order.duration)
