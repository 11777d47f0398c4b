"""A shot drafted for one model: the mode it calls for, the picture, what is sent along, and what is left out."""

from collections.abc import Iterator, Mapping
from typing import Any

from dramagen.catalog import words
from dramagen.catalog.cards import ModelCard, ProviderCard
from dramagen.catalog.drafts import Draft
from dramagen.catalog.fitting import Notes, Unfit
from dramagen.catalog.inputs import Desk, fit_exactly, fit_references
from dramagen.catalog.kept import Kept
from dramagen.catalog.modes import Mode
from dramagen.catalog.order import Order
from dramagen.catalog.route import Route
from dramagen.catalog.shape import Picture, Shape, fit_picture
from dramagen.shot import Shot


def drafted(
    shot: Shot,
    route: Route,
    card: ModelCard,
    provider: ProviderCard,
    kept: Kept,
    desk: Desk,
    can_trim: bool,
) -> Draft:
    """What the model would film, in whichever region. Raises ``Unfit``."""
    mode, notes = _mode(shot, card), desk.notes
    if route.region not in card.wire:
        raise Unfit("region", f"{card.id} is not served in region {route.region}")
    silent = _silent(shot, mode, desk)
    shape = Shape.of(shot, can_trim)
    where = (route.provider, route.model, mode.name)
    clip = kept.pictures.answer((*where, shape, silent), lambda: fit_picture(shape, mode, silent))
    notes.adjustments += clip.adjustments
    order = _order(shot, route, card, provider, mode, clip, desk, notes)
    return Draft(
        order, clip.trim, tuple(notes.adjustments), tuple(notes.warnings),
        (*where, shape.framed, *clip.ordered), mode.prompt, words.shortest(mode.prompt),
    )  # fmt: skip


def options_of(shot: Shot, provider: ProviderCard) -> Mapping[str, Any]:
    """The caller's extras, none of which may change what was priced and agreed. Raises ``Unfit``."""
    extras = shot.options.get(provider.name, {})
    if extras and (taken := sorted(set(_keys(extras)) & set(provider.reserved))):
        raise Unfit("options", f"options may not set {', '.join(taken)}: the shot's own fields decide that")
    if provider.local and shot.id is not None:
        # An animatic burns in which shot it stands for; a film must not depend on what its shot is called.
        return {"label": shot.id, **extras}
    return extras


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
        options=options_of(shot, provider),
    )
    most = card.media.max_total_bytes
    if most is not None and (size := desk.travelling(order.inputs(), order.references)) > most:
        raise Unfit("references", f"{size:,} bytes of media together; at most {most:,}")
    return order


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _keys(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _keys(inner)
