"""``dramagen shoot``: one shot, one clip."""

from pathlib import Path
from typing import Annotated, Any

import anyio
import typer

from dramagen.cli.board import Board
from dramagen.cli.consent import agree
from dramagen.cli.options import AsJson, MoneyLimit, Yes, capped
from dramagen.cli.screen import emit, note, say
from dramagen.clip import Clip
from dramagen.money import Money
from dramagen.shot import Shot
from dramagen.studio import Studio


def shoot(
    prompt: Annotated[str, typer.Argument(help="What happens, in any language.", show_default=False)],
    duration: Annotated[float, typer.Option("--duration", "-d", help="Seconds.")] = 5.0,
    aspect_ratio: Annotated[str, typer.Option("--ratio", "-r", help="Width:height.")] = "9:16",
    resolution: Annotated[str, typer.Option("--resolution", help="A tier by the short side.")] = "720p",
    first_frame: Annotated[
        str | None, typer.Option("--first-frame", help="A picture it starts on: a path or a URL.")
    ] = None,
    last_frame: Annotated[
        str | None, typer.Option("--last-frame", help="A picture it ends on: a path or a URL.")
    ] = None,
    camera: Annotated[str | None, typer.Option("--camera", help="A camera move, such as push_in.")] = None,
    negative: Annotated[str, typer.Option("--negative", help="What must not be seen.")] = "",
    audio: Annotated[
        bool | None,
        typer.Option("--audio/--silent", help="Must have sound, or must not.", show_default=False),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Asked of models that take one.")] = None,
    pin: Annotated[
        str | None, typer.Option("--pin", help="A provider, a model, or provider[:region]/model.")
    ] = None,
    take: Annotated[int, typer.Option("--take", min=1, help="Another take is another clip.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Film this take anew, and pay again.")] = False,
    save: Annotated[
        Path | None, typer.Option("--save", help="Copy the clip there: a file or a folder.")
    ] = None,
    budget: MoneyLimit = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Film one shot; the path of the clip is printed. The same again is the same clip, free."""
    shot = Shot.parse(
        {
            "prompt": prompt,
            "duration": duration,
            "aspect_ratio": aspect_ratio,
            "resolution": resolution,
            "first_frame": first_frame,
            "last_frame": last_frame,
            "camera": camera,
            "negative_prompt": negative,
            "audio": audio,
            "seed": seed,
            "pin": pin,
        }
    )
    clip = anyio.run(_shoot, shot, take, fresh, budget, yes)
    path = clip.path if save is None else clip.save(save)
    for warning in clip.warnings:
        note(warning)
    if as_json:
        emit(_record(clip, path))
    else:
        note(f"{clip.route}, {clip.cost}{', filmed before' if clip.cached else ''}")
        say(str(path))


async def _shoot(shot: Shot, take: int, fresh: bool, budget: Money | None, yes: bool) -> Clip:
    board = Board(raises=True)
    async with Studio(capped(budget), on_event=board.event) as studio:
        await studio.prepare([shot])
        # A fresh take is paid for whatever is there: a take far out of use is planned in its place.
        plan = studio.plan([shot], budget, takes=[take if not fresh else _UNUSED])
        agree(studio, plan, yes=yes, budget=budget)
        with board.shown():
            return await studio.shoot(shot, take=take, fresh=fresh)


_UNUSED = 1_000_000


def _record(clip: Clip, path: Path) -> dict[str, Any]:
    return {
        "clip": str(path),
        "sha256": clip.sha256,
        "original": {"path": str(clip.original.path), "sha256": clip.original.sha256},
        "media": clip.media.model_dump(mode="json"),
        "cost": clip.cost.to_json(),
        "route": clip.route,
        "take": clip.take,
        "seed": clip.seed,
        "job_id": clip.job_id,
        "cached": clip.cached,
        "adjustments": [adjustment.model_dump(mode="json") for adjustment in clip.adjustments],
        "warnings": list(clip.warnings),
    }
