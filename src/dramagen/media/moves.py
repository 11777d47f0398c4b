"""Camera moves as a pin-hole camera in front of a flat picture, with dust in the air between them.

The picture stands at depth 1. A camera that turns (pan, tilt) or changes its lens (zoom) moves everything
alike; one that travels (truck, pedestal, push, orbit) moves what is near more than what is far. That is how
an eye tells the two apart, and why the dust is there.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

TRAVEL = 0.11
"""How far a normal move goes to each side, as a share of the picture."""
SPEED = {"slow": 0.6, "normal": 1.0, "fast": 1.45}


@dataclass(frozen=True, slots=True)
class Wave:
    """A sway: share of the picture, times a second, and where it starts (radians)."""

    size: float
    hertz: float
    phase: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One number over time: from ``start`` to ``end``, easing in and out, with waves on top."""

    start: float = 0.0
    end: float = 0.0
    waves: tuple[Wave, ...] = ()

    def at(self, frame: int, frames: int, fps: float) -> float:
        """The value at a frame of a shot."""
        p = frame / max(1, frames - 1)
        value = self.start + (self.end - self.start) * p * p * (3 - 2 * p)
        return value + sum(w.size * math.sin(math.tau * w.hertz * frame / fps + w.phase) for w in self.waves)

    def expression(self, frame: str, frames: int, fps: float) -> str:
        """The same as an expression of libavfilter, with ``frame`` naming the frame's number there."""
        p = f"(({frame})/{max(1, frames - 1)})"
        terms = [f"{self.start:.9f}+({self.end - self.start:.9f})*{p}*{p}*(3-2*{p})"]
        terms += [
            f"({w.size:.9f})*sin({math.tau * w.hertz / fps:.9f}*({frame})+({w.phase:.9f}))"
            for w in self.waves
        ]
        return "(" + "+".join(terms) + ")"


STILL = Curve()


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the camera is and looks, over a shot.

    Attributes:
        x, y: its place, right and down, in widths and heights of the picture.
        z: how far it has gone towards the picture; 1 would be there.
        yaw, pitch: where it looks, right and down, in the same shares.
        zoom: magnification of the lens.
        roll: radians the camera leans clockwise.
    """

    x: Curve = STILL
    y: Curve = STILL
    z: Curve = STILL
    yaw: Curve = STILL
    pitch: Curve = STILL
    zoom: Curve = Curve(1.0, 1.0)
    roll: Curve = STILL


@dataclass(frozen=True, slots=True)
class View:
    """What a camera sees at one frame: scale of the picture, its point in the middle, lean in radians."""

    scale: float
    x: float
    y: float
    roll: float


def _across(size: float) -> Curve:
    return Curve(-size, size)


def _shake(strength: float) -> Camera:
    """A held camera: breath, pulse and hand, at rates that never line up.

    It does not lean, as a real one would: turning a picture takes longer than all the rest of a frame.
    """
    a = 0.006 * strength
    return Camera(
        yaw=Curve(waves=(Wave(2.2 * a, 0.31, 0.0), Wave(a, 0.83, 1.3), Wave(0.35 * a, 2.1, 2.2))),
        pitch=Curve(waves=(Wave(1.6 * a, 0.37, 0.9), Wave(0.8 * a, 1.07, 0.2), Wave(0.35 * a, 2.6, 1.1))),
    )


def _follow(k: float) -> Camera:
    """Walking behind somebody: forward, with the bob of steps."""
    return Camera(
        z=Curve(0.02, 0.2 * k),
        x=_across(0.03 * k),
        pitch=Curve(waves=(Wave(0.007, 1.8, 0.0),)),
        yaw=Curve(waves=(Wave(0.005, 0.9, 0.6),)),
    )


def camera(move: str, speed: str = "normal") -> Camera:
    """The camera of a named move.

    Raises:
        ValueError: there is no such move or speed.
    """
    if speed not in SPEED:
        raise ValueError(f"speed {speed!r} is none of {', '.join(SPEED)}")
    k = SPEED[speed]
    a = TRAVEL * k
    moves: Mapping[str, Camera] = {
        "static": Camera(),
        "push_in": Camera(z=Curve(0.0, 0.24 * k)),
        "pull_out": Camera(z=Curve(0.24 * k, 0.0)),
        "pan_left": Camera(yaw=_across(-a)),
        "pan_right": Camera(yaw=_across(a)),
        "tilt_up": Camera(pitch=_across(-a)),
        "tilt_down": Camera(pitch=_across(a)),
        "truck_left": Camera(x=_across(-a)),
        "truck_right": Camera(x=_across(a)),
        "pedestal_up": Camera(y=_across(-a)),
        "pedestal_down": Camera(y=_across(a)),
        # Circling a subject at depth 0.6: the camera travels one way and turns back the other.
        "orbit_left": Camera(x=_across(-1.5 * a), yaw=_across(2.5 * a)),
        "orbit_right": Camera(x=_across(1.5 * a), yaw=_across(-2.5 * a)),
        "zoom_in": Camera(zoom=Curve(1.0, 1.0 + 0.45 * k)),
        "zoom_out": Camera(zoom=Curve(1.0 + 0.45 * k, 1.0)),
        "roll": Camera(roll=Curve(0.0, math.radians(9) * k)),
        "handheld": _shake(k),
        "follow": _follow(k),
    }
    if move not in moves:
        raise ValueError(f"camera move {move!r} is none of {', '.join(moves)}")
    return moves[move]


def view(cam: Camera, frame: int, frames: int, fps: float) -> View:
    """What the camera sees of the picture at a frame."""
    x, y, z, yaw, pitch, zoom, roll = (
        curve.at(frame, frames, fps)
        for curve in (cam.x, cam.y, cam.z, cam.yaw, cam.pitch, cam.zoom, cam.roll)
    )
    return View(zoom / (1 - z), x + yaw * (1 - z), y + pitch * (1 - z), roll)


def overscan(cam: Camera, frames: int, fps: float, ratio: float) -> float:
    """How much larger than the frame a leaning picture has to be, so no corner shows: 1 for a level camera."""
    leans = [abs(view(cam, n, frames, fps).roll) for n in range(frames)]
    long = max(ratio, 1 / ratio)
    return max(math.cos(lean) + long * math.sin(lean) for lean in leans)


def covered(cam: Camera, frames: int, fps: float, room: float = 1.0) -> Camera:
    """The camera with its lens just long enough that it never looks past the picture's edge.

    ``room``: how much more than the frame is needed at each moment, from :func:`overscan`.
    """
    short = 1.0
    for n in range(frames):
        seen = view(cam, n, frames, fps)
        half = 0.5 - max(abs(seen.x), abs(seen.y))
        short = max(short, 0.5 * room / half / seen.scale)
    return replace(cam, zoom=Curve(cam.zoom.start * short, cam.zoom.end * short))


def project(
    cam: Camera, u: float, v: float, depth: float, frame: int, frames: int, fps: float
) -> tuple[float, float, float]:
    """Where a speck of dust is on the frame.

    Args:
        u, v: its place when the camera is at rest with a lens of 1, from the middle, in widths and heights.
        depth: its distance from the camera at rest: 1 is the picture.

    Returns:
        (x, y, scale): in widths and heights from the middle, and how much larger it is than at rest.
        A speck behind the camera has scale 0.
    """
    x, y, z, yaw, pitch, zoom = (
        curve.at(frame, frames, fps) for curve in (cam.x, cam.y, cam.z, cam.yaw, cam.pitch, cam.zoom)
    )
    away = depth - z
    if away < 0.05:
        return 0.0, 0.0, 0.0
    return zoom * ((u * depth - x) / away - yaw), zoom * ((v * depth - y) / away - pitch), zoom * depth / away
