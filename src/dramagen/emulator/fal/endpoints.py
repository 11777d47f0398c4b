"""fal's video endpoints: what each takes, films and costs.

Sources: fal's endpoint cards, its client's types (which end in 2026-04) and price readings linked to its pages, as
read up to 2026-11-22. Where a card does not say whether a length is a text or a number, both are taken.
"""

from collections.abc import Iterator, Mapping

from dramagen.emulator.inputs import (
    Field,
    choice,
    digits,
    flag,
    loose,
    number,
    objects,
    text,
    url,
    urls,
    whole,
)
from dramagen.emulator.resold import Family, Model, flat

_SEED = {"seed": whole(-1, 2**32 - 1)}
_RATIOS = choice("auto", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16", default="auto")
_THREE = choice("16:9", "9:16", "1:1", default="16:9")
_FIRST_LAST = {"image_url": url(needed=True), "end_image_url": url()}
_PROMPT = {"prompt": text(5000, needed=True)}


def _seedance_25() -> Iterator[tuple[str, Model]]:
    full = flat(p480="0.2205", p720="0.473", p1080="1.164")
    for place, rates in (("", full), ("us/", full), ("flash/", flat(p480="0.1442", p720="0.3094"))):
        common = {
            "prompt": text(15_000, needed=True),
            "resolution": choice(*rates, default="720p"),
            "duration": loose(*digits(4, 30), "auto", default="auto"),
            "aspect_ratio": _RATIOS,
            "generate_audio": flag(True),
            "end_user_id": text(),
            **_SEED,
        }
        yield from _three(f"bytedance/seedance-2.5/{place}", common, rates, "seedance-2.5", 30, 10)


def _seedance_20() -> Iterator[tuple[str, Model]]:
    for place, rates in (
        ("", flat(p480="0.1346", p720="0.3034", p1080="0.682", k4="1.555")),
        ("fast/", flat(p720="0.2419")),
        ("mini/", flat(p480="0.0721", p720="0.1547")),
    ):
        common = {
            **_PROMPT,
            "resolution": choice("480p", *[tier for tier in rates if tier != "480p"], default="720p"),
            "duration": choice(*digits(4, 15), "auto", default="auto"),
            "aspect_ratio": _RATIOS,
            "generate_audio": flag(True),
            "end_user_id": text(),
            **_SEED,
        }
        yield from _three(f"bytedance/seedance-2.0/{place}", common, rates, "seedance-2.0", 9, 3)


def _three(
    stem: str,
    common: Mapping[str, Field],
    rates: Mapping[str, tuple[str, str]],
    family: Family,
    images: int,
    others: int,
) -> Iterator[tuple[str, Model]]:
    references = {"image_urls": urls(images), "video_urls": urls(others), "audio_urls": urls(others)}
    for kind, media in (("text", {}), ("image", _FIRST_LAST), ("reference", references)):
        yield (
            f"{stem}{kind}-to-video",
            Model(
                fields={**common, **media},
                rates=rates,
                family=family,
                sound="generate_audio",
            ),
        )


def _wan() -> Iterator[tuple[str, Model]]:
    for name, rates in (("wan-3.0", flat(p480="0.05", p720="0.10", p1080="0.20")), ("wan-3.0-prime", {})):
        common = {
            **_PROMPT,
            "resolution": choice("480p", "720p", "1080p", default="1080p"),
            "duration": loose(*digits(2, 30), default="5"),
            "aspect_ratio": choice("adaptive", "16:9", "4:3", "1:1", "3:4", "9:16", default="adaptive"),
            "negative_prompt": text(),
            "enable_safety_checker": flag(),
            "enable_prompt_expansion": flag(),
            **_SEED,
        }
        frames = {"start_image_url": url(needed=True), "end_image_url": url()}
        for kind, media in (("text", {}), ("image", frames)):
            yield (
                f"alibaba/{name}/{kind}-to-video",
                Model(fields={**common, **media}, rates=rates, family="wan-3", sound=True),
            )
    common = {
        **_PROMPT,
        "negative_prompt": text(500),
        "aspect_ratio": choice("16:9", "9:16", "1:1", "4:3", "3:4", default="16:9"),
        "resolution": choice("720p", "1080p", default="1080p"),
        "duration": choice(*digits(2, 15), default="5"),
        "audio_url": url(),
        "enable_prompt_expansion": flag(),
        "enable_safety_checker": flag(),
        **_SEED,
    }
    image = {"image_url": url(needed=True), "end_image_url": url(), "video_url": url()}
    references = {
        "reference_image_urls": urls(5),
        "reference_video_urls": urls(5),
        "multi_shots": flag(),
        "duration": choice(*digits(2, 10), default="5"),
    }
    for stem, ending in (("fal-ai/wan/v2.7", ""), ("wan/v2.6", ""), ("wan/v2.6", "/flash")):
        for kind, media in (("text", {}), ("image", image), ("reference", references)):
            fields = {**common, **media}
            if kind == "image":
                del fields["aspect_ratio"]
            yield (
                f"{stem}/{kind}-to-video{ending}",
                Model(fields=fields, rates={}, family="wan-3", sound=True),
            )
    for kind, media in (("text", {}), ("image", {"image_url": url(needed=True)})):
        fields = {**common, **media, "resolution": choice("480p", "720p", "1080p", default="1080p")}
        yield (
            f"fal-ai/wan-25-preview/{kind}-to-video",
            Model(
                fields=fields, rates=flat(p480="0.05", p720="0.10", p1080="0.15"), family="wan-3", sound=True
            ),
        )


def _kling_4() -> Iterator[tuple[str, Model]]:
    common = {
        "prompt": text(26_000),
        "multi_prompt": objects(10),
        "duration": loose(*digits(3, 30), default="5"),
        "resolution": choice("720p", "1080p", default="720p"),
    }
    ratio = {"aspect_ratio": choice("16:9", "9:16", "1:1", "21:9", default="16:9")}
    frames = {
        "start_image_url": url(needed=True),
        "middle_image_urls": urls(8),
        "end_image_url": url(),
    }
    references = {
        **ratio,
        "start_image_url": url(),
        "end_image_url": url(),
        "image_urls": urls(10),
        "video_urls": urls(5),
        "elements": objects(7),
    }
    for kind, media in (("text", ratio), ("image", frames), ("reference", references)):
        yield (
            f"fal-ai/kling-video/v4/{kind}-to-video",
            Model(
                fields={**common, **media},
                rates=flat(p720="0.157", p1080="0.235"),
                family="kling-4",
                sound=True,
            ),
        )


_KLING_TIERS = {
    "standard": ("720p", ("0.084", "0.126")),
    "pro": ("1080p", ("0.112", "0.168")),
    "4k": ("4k", ("0.42", "0.42")),
}


def _kling_3() -> Iterator[tuple[str, Model]]:
    common = {
        "prompt": text(),
        "multi_prompt": objects(6),
        "duration": choice(*digits(3, 15), default="5"),
        "shot_type": choice("customize", "intelligent", default="customize"),
        "negative_prompt": text(),
        "cfg_scale": number(0, 1, 0.5),
        "generate_audio": flag(True),
    }
    frames = {"start_image_url": url(needed=True), "end_image_url": url(), "elements": objects(4)}
    references = {
        "aspect_ratio": _THREE,
        "image_urls": urls(7),
        "elements": objects(4),
        "start_image_url": url(),
        "end_image_url": url(),
    }
    for tier, (film, pair) in _KLING_TIERS.items():
        for stem, kinds in (("v3", ("text", "image")), ("o3", ("text", "image", "reference"))):
            for kind in kinds:
                media = {"text": {"aspect_ratio": _THREE}, "image": frames, "reference": references}[kind]
                yield (
                    f"fal-ai/kling-video/{stem}/{tier}/{kind}-to-video",
                    Model(
                        fields={**common, **media},
                        rates={film: pair},
                        family="kling-3",
                        tier=film,
                        sound="generate_audio",
                    ),
                )
    for tier, film, rate in (("standard", "720p", "0.112"), ("pro", "1080p", "0.14")):
        for kind, media in (("text", {"aspect_ratio": _THREE}), ("image", frames)):
            yield (
                f"fal-ai/kling-video/v3/turbo/{tier}/{kind}-to-video",
                Model(
                    fields={**common, **media},
                    rates={film: (rate, rate)},
                    family="kling-3",
                    tier=film,
                    sound=True,
                ),
            )


def _kling_2() -> Iterator[tuple[str, Model]]:
    common = {
        **_PROMPT,
        "duration": choice("5", "10", default="5"),
        "negative_prompt": text(),
        "cfg_scale": number(0, 1, 0.5),
    }
    text_media = {"aspect_ratio": _THREE}
    newer = {"start_image_url": url(needed=True), "end_image_url": url()}
    for kind, media in (("text", text_media), ("image", newer)):
        yield (
            f"fal-ai/kling-video/v2.6/pro/{kind}-to-video",
            Model(
                fields={**common, "generate_audio": flag(True), **media},
                rates={},
                family="kling-3",
                tier="1080p",
                sound="generate_audio",
            ),
        )
    # The names of the frames changed between the two versions.
    older = {"image_url": url(needed=True), "tail_image_url": url()}
    for tier, film in (("pro", "1080p"), ("standard", "720p")):
        for kind, media in (("text", text_media), ("image", older)):
            yield (
                f"fal-ai/kling-video/v2.5-turbo/{tier}/{kind}-to-video",
                Model(
                    fields={**common, **media}, rates={film: ("0.07", "0.07")}, family="kling-3", tier=film
                ),
            )


def _minimax() -> Iterator[tuple[str, Model]]:
    ratio = {"aspect_ratio": choice("16:9", "9:16", "1:1", "4:3", "3:4", "21:9", default="16:9")}
    references = {
        "reference_image_urls": urls(9),
        "reference_video_urls": urls(3),
        "reference_audio_urls": urls(3),
    }
    for stem, tiers, default, rates in (
        ("h3", ("480P", "768P", "2K", "4K"), "768P", flat(P768="0.06", K2="0.13")),
        ("h3-max", ("480p", "768p", "1080p"), "768p", flat(p480="0.05", p768="0.08", p1080="0.16")),
        ("h3-max-turbo", ("480p", "768p", "1080p"), "768p", flat(p480="0.025", p768="0.04", p1080="0.08")),
    ):
        common = {
            "prompt": text(7000, needed=True),
            "duration": whole(5, 15, 5),
            "resolution": choice(*tiers, default=default),
            **_SEED,
        }
        kinds = [("text", ratio), ("image", _FIRST_LAST), ("reference", {**ratio, **references})]
        for kind, media in kinds[: 2 if stem == "h3-max-turbo" else 3]:
            yield (
                f"minimax/{stem}/{kind}-to-video",
                Model(fields={**common, **media}, rates=rates, sound=True),
            )
    base = {"prompt": text(2000, needed=True), "prompt_optimizer": flag(True)}
    six_or_ten = {"duration": choice("6", "10", default="6")}
    for version in ("hailuo-2.3", "hailuo-2.3-fast", "hailuo-02"):
        for tier, film, fields, clips in (
            ("standard", "768p", {**base, **six_or_ten}, {6: "0.28"}),
            ("pro", "1080p", base, {6: "0.49"}),
        ):
            for kind, media in (("text", {}), ("image", _FIRST_LAST)):
                yield (
                    f"fal-ai/minimax/{version}/{tier}/{kind}-to-video",
                    Model(fields={**fields, **media}, rates={}, clips=clips, tier=film, seconds=6),
                )


def _vidu() -> Iterator[tuple[str, Model]]:
    prompt = {"prompt": text(2000, needed=True)}
    q3 = {
        **prompt,
        "duration": whole(1, 16, 5),
        "resolution": choice("360p", "540p", "720p", "1080p", default="720p"),
        "audio": flag(True),
        **_SEED,
    }
    ratio = {"aspect_ratio": choice("16:9", "9:16", "1:1", "4:3", "3:4", default="16:9")}
    rates = flat(p360="0.07", p540="0.07", p720="0.154", p1080="0.154")
    for ending in ("", "/turbo"):
        for kind, media in (("text", ratio), ("image", _FIRST_LAST)):
            # Turbo's own price is not published.
            paid = {} if ending else rates
            yield (
                f"fal-ai/vidu/q3/{kind}-to-video{ending}",
                Model(fields={**q3, **media}, rates=paid, sound="audio"),
            )
    q2 = {
        **prompt,
        "duration": whole(1, 10, 5),
        "resolution": choice("360p", "540p", "720p", "1080p", default="720p"),
        "movement_amplitude": choice("auto", "small", "medium", "large", default="auto"),
        "bgm": flag(),
        **_SEED,
    }
    references = {**ratio, "reference_image_urls": urls(7), "reference_video_urls": urls(2)}
    for name, media in (
        ("text-to-video", ratio),
        ("image-to-video/pro", _FIRST_LAST),
        ("image-to-video/turbo", _FIRST_LAST),
        ("reference-to-video/pro", references),
    ):
        yield f"fal-ai/vidu/q2/{name}", Model(fields={**q2, **media}, rates={})


ENDPOINTS: Mapping[str, Model] = {
    name: model
    for family in (
        _seedance_25,
        _seedance_20,
        _wan,
        _kling_4,
        _kling_3,
        _kling_2,
        _minimax,
        _vidu,
    )
    for name, model in family()
}

APPS = frozenset("/".join(name.split("/")[:2]) for name in ENDPOINTS)
"""What a request's own URLs are made of: owner and app, without the path of the endpoint."""
