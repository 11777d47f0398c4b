"""Replicate's video models: what each takes, films and costs.

Sources: Replicate's model pages and third parties' price and schema notes of 2026, as read up to 2026-11-22. A price
nobody published is the emulator's own (``unlisted_price``).
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from dramagen.emulator.inputs import Field, choice, flag, number, one_of, text, url, urls, whole
from dramagen.emulator.resold import Model, flat

_PROMPT = {"prompt": text(5000, needed=True)}
_SEED = {"seed": whole(-1, 2**32 - 1)}
_THREE = choice("16:9", "9:16", "1:1", default="16:9")
_FIVE = choice("16:9", "9:16", "1:1", "4:3", "3:4", default="16:9")


def _seedance() -> Iterator[tuple[str, Model]]:
    ratios = choice("adaptive", "16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "9:21", default="16:9")
    for name, rates, tiers, longest, counts in (
        ("seedance-2.5", flat(p480="0.1028", p720="0.2312"), ("480p", "720p"), 30, (30, 10, 10)),
        ("seedance-2.0", {}, ("480p", "720p", "1080p"), 15, (9, 3, 3)),
        ("seedance-2.0-fast", {}, ("480p", "720p"), 15, (9, 3, 3)),
        ("seedance-2.0-mini", {}, ("480p", "720p"), 15, (9, 3, 3)),
    ):
        images, videos, audios = counts
        yield (
            f"bytedance/{name}",
            Model(
                fields={
                    "prompt": text(15_000, needed=True),
                    "image": url(),
                    "last_frame_image": url(),
                    "reference_images": urls(images),
                    "reference_videos": urls(videos),
                    "reference_audios": urls(audios),
                    "duration": whole(-1, longest, 5),
                    "resolution": choice(*tiers, default="720p"),
                    "aspect_ratio": ratios,
                    "generate_audio": flag(True),
                    **_SEED,
                },
                rates=rates,
                family="seedance-2.5" if name == "seedance-2.5" else "seedance-2.0",
                sound="generate_audio",
            ),
        )


def _wan() -> Iterator[tuple[str, Model]]:
    yield (
        "alibaba/wan-3",
        Model(
            fields={
                **_PROMPT,
                "image": url(),
                "negative_prompt": text(),
                "duration": whole(2, 30, 5),
                "resolution": choice("480p", "720p", "1080p", default="720p"),
                "aspect_ratio": _FIVE,
                **_SEED,
            },
            rates=flat(p480="0.05", p720="0.10", p1080="0.20"),
            family="wan-3",
            follows=True,  # as the model does at its vendor's
        ),
    )
    older = {
        **_PROMPT,
        "negative_prompt": text(),
        "duration": whole(2, 15, 5),
        "resolution": choice("720p", "1080p", default="720p"),
        "audio": url(),
        **_SEED,
    }
    for kind, media in (
        ("t2v", {"aspect_ratio": _FIVE}),
        ("i2v", {"image": url(needed=True), "last_frame": url()}),
    ):
        yield (
            f"wan-video/wan-2.7-{kind}",
            Model(fields={**older, **media}, rates={}, family="wan-3", sound=True),
        )


def _kling() -> Iterator[tuple[str, Model]]:
    modes = {"standard": "720p", "pro": "1080p"}
    common: dict[str, Field] = {
        **_PROMPT,
        "mode": choice(*modes, default="pro"),
        "duration": whole(3, 15, 5),
        "aspect_ratio": _THREE,
        "generate_audio": flag(False),
        "negative_prompt": text(),
        "start_image": url(),
        "end_image": url(),
    }
    omni = {"reference_images": urls(7), "reference_video": url()}
    for name, more, standard, pro in (
        ("kling-v3-video", {"multi_prompt": text()}, ("0.168", "0.252"), ("0.224", "0.336")),
        ("kling-v3-omni-video", omni, ("0.168", "0.224"), ("0.224", "0.28")),
    ):
        yield (
            f"kwaivgi/{name}",
            Model(
                fields={**common, **more},
                rates={"standard": standard, "pro": pro},
                family="kling-3",
                tier="1080p",
                tier_field="mode",
                tiers=modes,
                sound="generate_audio",
                follows=True,
            ),
        )
    yield (
        "kwaivgi/kling-v4.0",
        Model(
            fields={
                "prompt": text(26_000, needed=True),
                "duration": whole(3, 30, 5),
                "resolution": choice("720p", "1080p", default="720p"),
                "aspect_ratio": choice("16:9", "9:16", "1:1", "21:9", default="16:9"),
                "start_image": url(),
                "middle_images": urls(8),
                "end_image": url(),
                "reference_images": urls(10),
                "reference_videos": urls(5),
                "base_video": url(),
            },
            rates={},
            family="kling-4",
            sound=True,
            follows=True,
        ),
    )
    two = {
        **_PROMPT,
        "duration": one_of(5, 10),
        "aspect_ratio": _THREE,
        "negative_prompt": text(),
        "start_image": url(),
    }
    for name, more, sound in (
        ("kling-v2.6", {"generate_audio": flag(False)}, "generate_audio"),
        ("kling-v2.5-turbo-pro", {"end_image": url(), "guidance_scale": number(0, 1)}, False),
    ):
        yield (
            f"kwaivgi/{name}",
            Model(fields={**two, **more}, rates={}, family="kling-3", tier="1080p", sound=sound),
        )


def _minimax() -> Iterator[tuple[str, Model]]:
    for name, tiers, shortest, default in (
        ("h3", ("480P", "768P", "2K"), 5, "768P"),
        ("h3-lite", ("480P", "768P"), 4, "768P"),
    ):
        yield (
            f"minimax/{name}",
            Model(
                fields={
                    "prompt": text(7000, needed=True),
                    "first_frame_image": url(),
                    "last_frame_image": url(),
                    "reference_images": urls(9),
                    "duration": whole(shortest, 15, 5),
                    "resolution": choice(*tiers, default=default),
                    "aspect_ratio": _FIVE,
                },
                rates={},
                sound=True,
                first=("first_frame_image",),
            ),
        )
    for name in ("hailuo-2.3", "hailuo-2.3-fast", "hailuo-02"):
        fast = name.endswith("fast")
        yield (
            f"minimax/{name}",
            Model(
                fields={
                    "prompt": text(2000, needed=True),
                    "first_frame_image": url(needed=fast),
                    "duration": one_of(6, 10),
                    "resolution": choice("768p", "1080p", default="768p"),
                    "prompt_optimizer": flag(True),
                },
                rates={},
                first=("first_frame_image",),
            ),
        )


def _vidu() -> Iterator[tuple[str, Model]]:
    for name, rates in (("q3-pro", flat(p720="0.15")), ("q3-turbo", {})):
        yield (
            f"vidu/{name}",
            Model(
                fields={
                    **_PROMPT,
                    "start_image": url(),
                    "end_image": url(),
                    "duration": whole(1, 16, 5),
                    "resolution": choice("360p", "540p", "720p", "1080p", default="720p"),
                    "aspect_ratio": _FIVE,
                    "audio": flag(True),
                    **_SEED,
                },
                rates=rates,
                sound="audio",
                follows=True,
            ),
        )


MODELS: Mapping[str, Model] = {
    name: model for family in (_seedance, _wan, _kling, _minimax, _vidu) for name, model in family()
}

VERSIONS = {hashlib.sha256(name.encode()).hexdigest(): name for name in MODELS}
"""Version id -> model."""


def schema(model: Model) -> dict[str, Any]:
    """The model's OpenAPI document, as far as inputs and output go."""
    properties = {name: _property(field) for name, field in model.fields.items()}
    needed = [name for name, field in model.fields.items() if field.needed]
    inputs = {"type": "object", "title": "Input", "required": needed, "properties": properties}
    output = {"type": "string", "format": "uri", "title": "Output"}
    return {"openapi": "3.0.2", "components": {"schemas": {"Input": inputs, "Output": output}}}


def _property(field: Field) -> dict[str, Any]:
    uri = {"type": "string", "format": "uri"}
    shape: dict[str, Any]
    match field.kind:
        case "choice" | "loose":
            shape = {"type": "string", "enum": list(field.choices)}
        case "whole":
            members = {"enum": [int(each) for each in field.choices]} if field.choices else {}
            shape = {"type": "integer", **members}
        case "number":
            shape = {"type": "number"}
        case "flag":
            shape = {"type": "boolean"}
        case "url":
            shape = uri
        case "urls":
            shape = {"type": "array", "items": uri, "maxItems": field.most}
        case _:
            shape = {"type": "string"}
    limits = {"default": field.default, "minimum": field.low, "maximum": field.high}
    return shape | {name: value for name, value in limits.items() if value is not None}
