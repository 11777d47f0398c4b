"""Shot x Route -> Quote, or a Refusal that names the one rule the route fails on. No I/O of its own."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from dramagen.catalog import price, words
from dramagen.catalog.cards import ModelCard, ProviderCard
from dramagen.catalog.drafts import Draft, Drafts
from dramagen.catalog.fitting import UNMEASURED, Adapt, Measure, Notes, NotMeasured, Unfit
from dramagen.catalog.inputs import Desk, fit_exactly, fit_references
from dramagen.catalog.load import SETTINGS, Catalog
from dramagen.catalog.modes import Mode
from dramagen.catalog.order import Order, Quote, Refusal
from dramagen.catalog.route import Route
from dramagen.catalog.shape import Kept, Picture, Shape, Terms, fit_picture
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
    keyed: bool = False,
    drafts: Drafts | None = None,
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
        keyed: there is a key for the route; the answer says so and is the same otherwise.
        drafts: what the other routes of one plan have found out already; for this shot and these arguments only.
    """
    card, provider = catalog.model(route.provider, route.model), catalog.provider(route.provider)
    try:
        ending = _alive(card, route, today, overridden)
        desk = Desk(measure, adapt, card.media, Notes(shot.strict), planning)
        draft = (Drafts() if drafts is None else drafts).of(
            route,
            card,
            lambda: _drafted(shot, route, card, provider, catalog.kept, desk, wording, can_trim),
        )
        order = draft.order
        if order.route is not route:
            order = Order.of_checked(**{**order.__dict__, "route": route})
        if order.references or order.dialogue or order.options:
            terms = _terms(card, provider, order)
        else:
            terms = catalog.kept.answer((route.region, *draft.key), lambda: _terms(card, provider, order))
        if terms.price is None:
            raise Unfit("price", _state_a_price(route, provider))
    except Unfit as no:
        return Refusal.of_checked(route=route, rule=no.rule, reason=no.reason, keyed=keyed)
    return Quote.of_checked(
        route=route,
        order=order,
        price=terms.price,
        trim=draft.trim,
        adjustments=draft.adjustments,
        seconds=terms.p50,
        seconds_p90=terms.p90,
        rating=terms.rating,
        keyed=keyed,
        warnings=(ending, *draft.warnings) if ending else draft.warnings,
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


def _drafted(
    shot: Shot,
    route: Route,
    card: ModelCard,
    provider: ProviderCard,
    kept: Kept,
    desk: Desk,
    wording: Callable[[Order], str] | None,
    can_trim: bool,
) -> Draft:
    """What the model would film, in whichever region."""
    mode, notes = _mode(shot, card), desk.notes
    if route.region not in card.wire:
        raise Unfit("region", f"{card.id} is not served in region {route.region}")
    silent = _silent(shot, mode, desk)
    shape = Shape.of(shot, can_trim)
    key = (route.provider, route.model, mode.name, shape, silent)
    clip = kept.answer(key, lambda: fit_picture(shape, mode, silent))
    notes.adjustments += clip.adjustments
    order = _order(shot, route, card, provider, mode, clip, desk, notes)
    words.check_prompt(_worded(order, wording), mode, notes)
    return Draft(order, clip.trim, tuple(notes.adjustments), tuple(notes.warnings), key)


def _silent(shot: Shot, mode: Mode, desk: Desk) -> str | None:
    """Why no sound is made beside what the shot sends; None where nothing stands against it."""
    if not mode.references.silent_with_video or not mode.references.videos:
        return None
    videos = [r.video for r in shot.references if r.video is not None]
    return "films without sound beside a reference video" if any(map(desk.sends_video, videos)) else None


def _order(
    shot: Shot,
    route: Route,
    card: ModelCard,
    provider: ProviderCard,
    mode: Mode,
    clip: Picture,
    desk: Desk,
    notes: Notes,
) -> Order:
    words.fit_camera(shot, mode)
    desk.share(shot)
    first, last = (
        None if image is None else desk.frame(field, image, shot, follows=clip.aspect_ratio is None)
        for field, image in (("first_frame", shot.first_frame), ("last_frame", shot.last_frame))
    )
    if mode.exact_frames:
        fit_exactly("first_frame", first, clip.width, clip.height)
        fit_exactly("last_frame", last, clip.width, clip.height)
    order = Order.of_checked(
        route=route,
        wire={**card.wire[route.region], **mode.wire},
        mode=mode.name,
        prompt=shot.prompt,
        negative_prompt=words.fit_negative(shot, mode, notes),
        duration=clip.duration,
        resolution=clip.resolution,
        aspect_ratio=clip.aspect_ratio,
        width=clip.width,
        height=clip.height,
        fps=mode.fps,
        audio=clip.audio,
        seed=words.fit_seed(shot, mode, notes),
        first_frame=first,
        last_frame=last,
        references=fit_references(shot, mode, desk, notes, clip.audio, clip.duration)
        if shot.references
        else (),
        camera=shot.camera,
        cuts=words.fit_cuts(shot, mode, clip.duration),
        dialogue=words.fit_dialogue(shot, mode, notes, clip.audio),
        options=_options(shot, provider),
    )
    most = card.media.max_total_bytes
    if most is not None and (size := desk.travelling(order.inputs(), order.references)) > most:
        raise Unfit("references", f"{size:,} bytes of media together; at most {most:,}")
    return order


def _alive(card: ModelCard, route: Route, today: date, overridden: bool) -> str | None:
    """Until when, for people, where that is known. Raises ``Unfit`` where it is over."""
    end = card.retires(route.region)
    if end is None or overridden:
        return None
    instead = f"; use {' or '.join(card.instead)}" if card.instead else ""
    if end <= today:
        raise Unfit("retired", f"{card.id} was retired on {end}{instead}")
    return f"{card.id} retires on {end}{instead}"


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
    if extras and (taken := sorted(set(_keys(extras)) & set(provider.reserved))):
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


def _terms(card: ModelCard, provider: ProviderCard, order: Order) -> Terms:
    p50, p90 = _latency(card, order)
    rating = next((q.rating for q in card.quality if order.mode in q.modes), None)
    return Terms(price.estimate(card, provider, order), p50, p90, rating)


def _latency(card: ModelCard, order: Order) -> tuple[float | None, float | None]:
    row = next((row for row in card.latency if row.when.matches(order)), None)
    if row is None:
        return None, None
    return row.scaled(row.p50, order.duration), row.scaled(row.p90, order.duration)
