"""From the file as bought to the clip as asked: decoded, checked against the order, cut to length, written down."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dramagen.catalog.order import Quote
from dramagen.clip import Clip, Facts, Original
from dramagen.engine.jobs import Job
from dramagen.errors import DefectiveClip
from dramagen.media.check import Expected, check
from dramagen.media.decode import UndecodableMedia
from dramagen.media.probe import MediaFacts, probe
from dramagen.media.trim import RECIPE, trim, trim_key
from dramagen.money import Money
from dramagen.shot import Shot
from dramagen.store import Store
from dramagen.store.blobs import Stored
from dramagen.store.receipts import Receipt


def can_decode() -> bool:
    """Whether the ``media`` extra is installed."""
    return find_spec("av") is not None


@dataclass(frozen=True, slots=True)
class Finished:
    """A checked file: the result to write down, or its defects."""

    result: Mapping[str, Any]
    defects: tuple[str, ...] = ()


def finish(store: Store, quote: Quote, stored: Stored, seed: int | None) -> Finished:
    """Check a file against its order and make its exact trim. Blocks; call it from a worker thread."""
    if not can_decode():
        undecoded = (*quote.warnings, "not decoded: the 'media' extra is not installed")
        return Finished(_result(stored.sha256, stored.sha256, _ordered(quote), seed, undecoded))
    try:
        measured = probe(stored.path)
    except UndecodableMedia as problem:
        return Finished({"original": stored.sha256, "seed": seed}, (str(problem),))
    expected = _expected(quote)
    findings = check(measured, expected)
    if findings.defects:
        return Finished({"original": stored.sha256, "seed": seed}, findings.defects)
    final, facts = _trimmed(store, quote, stored, measured)
    if final != stored.sha256:
        # What the trim made right is no longer worth a warning.
        findings = check(facts, replace(expected, duration=facts.duration))
    warnings = (*quote.warnings, *findings.warnings)
    return Finished(_result(stored.sha256, final, _facts(facts), seed, warnings))


def _expected(quote: Quote) -> Expected:
    order = quote.order
    return Expected(
        duration=float(order.duration),
        width=order.width,
        height=order.height,
        aspect_ratio=order.aspect_ratio if order.width is None else None,
        audio=order.audio,
        fps=None if order.fps is None else float(order.fps),
    )


def _trimmed(store: Store, quote: Quote, stored: Stored, measured: MediaFacts) -> tuple[str, MediaFacts]:
    if quote.trim is None:
        return stored.sha256, measured
    frames = max(1, round(float(quote.trim.seconds) * measured.fps))
    if frames >= measured.frames:
        return stored.sha256, measured
    key = trim_key(stored.sha256, 0, frames, RECIPE)
    made = store.trim_for(key)
    if made is None:
        draft = store.derived.staging()
        try:
            trim(stored.path, draft, 0, frames)
            kept = store.derived.put_file(draft, "mp4")
        finally:
            draft.unlink(missing_ok=True)
        store.remember_trim(key, kept.sha256)
        made = kept.path
    return made.stem, probe(made, decode=False)


def _facts(measured: MediaFacts) -> Facts:
    return Facts(
        duration=measured.duration, width=measured.width, height=measured.height, fps=measured.fps,
        has_audio=measured.has_audio, codec=measured.codec, frames=measured.frames,
    )  # fmt: skip


def _ordered(quote: Quote) -> Facts:
    order = quote.order
    return Facts(
        duration=float(order.duration), width=order.width or 0, height=order.height or 0,
        fps=float(order.fps or 0), has_audio=order.audio, codec="", decoded=False,
    )  # fmt: skip


def _result(
    original: str, final: str, facts: Facts, seed: int | None, warnings: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "original": original, "final": final, "facts": facts.model_dump(mode="json"),
        "seed": seed, "warnings": list(dict.fromkeys(warnings)),
    }  # fmt: skip


# --- a clip from what was written down -------------------------------------------------------------------


def receipt(job: Job, at: float) -> Receipt:
    """What is written beside a finished job's file."""
    result = dict(job.result or {})
    return Receipt(
        key=receipt_key(job.order_hash, job.take, job.generation),
        sha256=result["original"],
        order=job.order_hash,
        shot=job.shot_hash,
        take=job.take,
        generation=job.generation,
        route=job.route.id,
        job_id=job.id,
        ticket=job.ticket.id if job.ticket else None,
        cost=job.cost or Money.zero(job.reserved.currency),
        cost_source=job.cost_source or "computed",
        media=Facts(**result["facts"]),
        created=at,
        seed=result.get("seed"),
        adjustments=job.quote.adjustments,
        warnings=tuple(result.get("warnings", ())),
    )


def receipt_key(order_hash: str, take: int, generation: int) -> str:
    """The result index's key."""
    return f"{order_hash}/{take}/{generation}"


def file_of(store: Store, sha256: str) -> Path | None:
    """A stored file by its content, bought or derived."""
    return store.originals.path(sha256) or store.derived.path(sha256)


def clip_of(store: Store, job: Job, shot: Shot, cached: bool) -> Clip | None:
    """The clip of a done job, or None where its bought file is gone. A lost trim is made again."""
    result = dict(job.result or {})
    original = store.originals.path(str(result.get("original")))
    if original is None:
        return None
    final = file_of(store, str(result.get("final")))
    if final is None:
        again = finish(store, job.quote, Stored(result["original"], original, 0), result.get("seed"))
        result = dict(again.result)
        final = file_of(store, str(result.get("final")))
    if final is None:
        return None
    return Clip(
        path=final,
        sha256=result["final"],
        original=Original(path=original, sha256=result["original"]),
        media=Facts(**result["facts"]),
        cost=job.cost or Money.zero(job.reserved.currency),
        cost_source=job.cost_source or "computed",
        model=job.route.model,
        provider=job.route.provider,
        region=job.route.region,
        route=job.route.id,
        take=job.take,
        seed=result.get("seed"),
        job_id=job.id,
        cached=cached,
        adjustments=job.quote.adjustments,
        warnings=tuple(result.get("warnings", ())),
        shot=shot,
    )


def defect(job: Job, path: Path | None, defects: tuple[str, ...]) -> DefectiveClip:
    """The error of a paid file that cannot be used."""
    return DefectiveClip(
        f"the clip is paid for and unusable: {'; '.join(defects)}. The file is kept",
        path=path, defects=defects, provider=job.route.provider, model=job.route.model,
    )  # fmt: skip
