"""Draws the pictures of the shipped suites: ``python tests/bench/drawings.py``.

They are kept as files, since a shot is its content: a picture drawn anew by another release of Pillow would be
another shot, and be paid for again.
"""

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

FOLDER = Path(__file__).parents[2] / "src/dramagen/bench/suites/pictures"
WIDE, HIGH = 720, 1280
FINE = 2  # drawn at twice the size, then shrunk: smooth edges
COLOURS = 128

Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]


class Sheet:
    """A picture being drawn, in pixels of the finished size."""

    def __init__(self, top: Colour, bottom: Colour, size: tuple[int, int] = (WIDE, HIGH)) -> None:
        ramp = Image.linear_gradient("L").resize((size[0] * FINE, size[1] * FINE))
        self.image = Image.composite(
            Image.new("RGB", ramp.size, bottom), Image.new("RGB", ramp.size, top), ramp
        )
        self.draw = ImageDraw.Draw(self.image)

    def shape(self, points: Points, fill: Colour) -> None:
        self.draw.polygon([(x * FINE, y * FINE) for x, y in points], fill=fill)

    def blob(self, points: Points, fill: Colour, steps: int = 12) -> None:
        """A closed smooth curve through the points."""
        n = len(points)
        curve: list[tuple[float, float]] = []
        for at in range(n):
            p0, p1, p2, p3 = (points[(at + k - 1) % n] for k in range(4))
            curve += [_between(p0, p1, p2, p3, step / steps) for step in range(steps)]
        self.shape(curve, fill)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        box = [(x - rx) * FINE, (y - ry) * FINE, (x + rx) * FINE, (y + ry) * FINE]
        self.draw.ellipse(box, fill=fill)

    def line(self, points: Points, fill: Colour, width: float) -> None:
        self.draw.line(
            [(x * FINE, y * FINE) for x, y in points], fill=fill, width=round(width * FINE), joint="curve"
        )

    def arc(
        self, x: float, y: float, rx: float, ry: float, start: int, end: int, fill: Colour, width: float
    ) -> None:
        box = [(x - rx) * FINE, (y - ry) * FINE, (x + rx) * FINE, (y + ry) * FINE]
        self.draw.arc(box, start, end, fill=fill, width=round(width * FINE))

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: int = 170) -> None:
        mask = Image.new("L", self.image.size, 0)
        box = [
            (x - radius / 2) * FINE,
            (y - radius / 2) * FINE,
            (x + radius / 2) * FINE,
            (y + radius / 2) * FINE,
        ]
        ImageDraw.Draw(mask).ellipse(box, fill=strength)
        mask = mask.filter(ImageFilter.GaussianBlur(radius * FINE / 3))
        self.image.paste(Image.new("RGB", self.image.size, colour), mask=mask)
        self.draw = ImageDraw.Draw(self.image)

    def save(self, name: str) -> None:
        size = (self.image.width // FINE, self.image.height // FINE)
        small = self.image.resize(size, Image.Resampling.LANCZOS)
        small.quantize(COLOURS, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)


def _between(
    p0: tuple[float, float],
    p1: tuple[float, float],
    p2: tuple[float, float],
    p3: tuple[float, float],
    t: float,
) -> tuple[float, float]:
    def axis(a: float, b: float, c: float, d: float) -> float:
        return 0.5 * (
            2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
        )

    return axis(p0[0], p1[0], p2[0], p3[0]), axis(p0[1], p1[1], p2[1], p3[1])


# --- people --------------------------------------------------------------------------------------------------

SKIN, SHADE, HAIR, INK = (250, 222, 200), (232, 190, 168), (38, 30, 48), (44, 34, 44)
ROBE, TRIM, SASH = (72, 132, 148), (238, 232, 214), (196, 72, 72)


def a_ning(sheet: Sheet, x: float, y: float, size: float, wind: float = 0.0) -> None:
    """The girl 阿宁, from the waist up; ``x``, ``y`` is the middle of her face, ``size`` its half height."""

    def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x + px * size, y + py * size) for px, py in points]

    s, blow = size, wind
    back = at((-0.95, -0.2), (-0.9, -1.0), (0, -1.35), (0.9, -1.0), (0.95, 0.1), (1.0 + blow, 1.6),
              (0.75 + blow * 1.6, 2.6), (0.3, 1.9), (-0.5, 1.9), (-0.95, 1.5))  # fmt: skip
    sheet.blob(back, HAIR)
    robe = at(
        (-0.35, 1.15),
        (0.35, 1.15),
        (1.3, 1.75),
        (1.75, 2.9),
        (1.9, 5.2),
        (-1.9, 5.2),
        (-1.75, 2.9),
        (-1.3, 1.75),
    )
    sheet.blob(robe, ROBE)
    sheet.shape(at((-0.33, 0.8), (0.33, 0.8), (0.36, 1.35), (0, 1.75), (-0.36, 1.35)), SHADE)
    sheet.shape(at((-0.62, 1.3), (-0.33, 1.2), (0.06, 2.2), (0.75, 3.6), (0.45, 3.6), (-0.1, 2.5)), TRIM)
    sheet.shape(at((0.62, 1.3), (0.33, 1.2), (-0.02, 1.95), (-0.75, 3.6), (-0.45, 3.6), (0.12, 2.3)), TRIM)
    sheet.shape(at((-1.3, 3.55), (1.3, 3.55), (1.36, 4.1), (-1.36, 4.1)), SASH)
    face = at((0, -0.95), (0.62, -0.75), (0.78, -0.1), (0.62, 0.5), (0.22, 0.93), (0, 1.0), (-0.22, 0.93),
              (-0.62, 0.5), (-0.78, -0.1), (-0.62, -0.75))  # fmt: skip
    sheet.blob(face, SKIN)
    for side in (-1, 1):
        sheet.oval(x + side * 0.42 * s, y + 0.36 * s, 0.17 * s, 0.09 * s, (246, 194, 182))
        eye_x, eye_y = x + side * 0.36 * s, y + 0.06 * s
        sheet.oval(eye_x, eye_y, 0.16 * s, 0.17 * s, (255, 255, 255))
        sheet.oval(eye_x, eye_y + 0.02 * s, 0.115 * s, 0.155 * s, (92, 58, 48))
        sheet.oval(eye_x, eye_y + 0.03 * s, 0.06 * s, 0.09 * s, INK)
        sheet.oval(eye_x - 0.04 * s, eye_y - 0.05 * s, 0.04 * s, 0.045 * s, (255, 255, 255))
        sheet.arc(eye_x, eye_y + 0.02 * s, 0.19 * s, 0.2 * s, 195, 345, INK, 0.05 * s)
        sheet.arc(eye_x, eye_y - 0.12 * s, 0.2 * s, 0.16 * s, 205, 335, INK, 0.03 * s)
    sheet.line(at((0.02, 0.3), (-0.04, 0.42), (0.03, 0.44)), SHADE, 0.03 * s)
    sheet.arc(x, y + 0.56 * s, 0.16 * s, 0.1 * s, 20, 160, (186, 80, 80), 0.05 * s)
    fringe = at((-0.86, 0.25), (-0.86, -0.6), (-0.4, -1.15), (0.3, -1.2), (0.85, -0.65), (0.88, 0.25), (0.7, -0.25),
                (0.45, -0.5), (0.2, -0.22), (-0.05, -0.5), (-0.3, -0.2), (-0.55, -0.5), (-0.74, -0.2))  # fmt: skip
    sheet.blob(fringe, HAIR, 6)
    sheet.blob(at((0.45, -1.2), (0.75 + blow, -1.5), (1.3 + 2 * blow, -1.35), (1.5 + 2.5 * blow, -0.9),
                  (1.0 + blow, -1.15), (0.6, -1.0)), SASH)  # fmt: skip
    sheet.blob(
        at((0.45, -1.1), (0.9 + blow, -0.95), (1.35 + 2 * blow, -0.45), (1.0 + blow, -0.7), (0.55, -0.95)),
        SASH,
    )
    sheet.arc(x - 0.1 * s, y - 0.75 * s, 0.5 * s, 0.28 * s, 205, 300, (92, 80, 112), 0.05 * s)


def lu_sheng(sheet: Sheet, x: float, y: float, size: float) -> None:
    """The scholar 陆生, from the waist up."""

    def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x + px * size, y + py * size) for px, py in points]

    s = size
    sheet.blob(at((-0.35, 1.1), (0.35, 1.1), (1.5, 1.7), (2.0, 3.0), (2.1, 5.4), (-2.1, 5.4), (-2.0, 3.0),
                  (-1.5, 1.7)), (232, 228, 216))  # fmt: skip
    sheet.shape(at((-0.36, 0.8), (0.36, 0.8), (0.4, 1.3), (0, 1.75), (-0.4, 1.3)), SHADE)
    sheet.shape(
        at((-0.7, 1.28), (-0.36, 1.15), (0.1, 2.3), (0.8, 4.2), (0.5, 4.2), (-0.1, 2.7)), (52, 62, 88)
    )
    sheet.shape(
        at((0.7, 1.28), (0.36, 1.15), (-0.02, 2.0), (-0.8, 4.2), (-0.5, 4.2), (0.14, 2.4)), (52, 62, 88)
    )
    sheet.blob(at((0, -0.95), (0.66, -0.75), (0.8, -0.05), (0.68, 0.5), (0.3, 0.95), (-0.3, 0.95), (-0.68, 0.5),
                  (-0.8, -0.05), (-0.66, -0.75)), (244, 214, 188))  # fmt: skip
    for side in (-1, 1):
        eye_x = x + side * 0.35 * s
        sheet.line(
            [(eye_x - 0.19 * s, y - 0.2 * s), (eye_x + 0.19 * s, y - 0.22 * s + side * 0.03 * s)],
            INK,
            0.07 * s,
        )
        sheet.oval(eye_x, y + 0.05 * s, 0.15 * s, 0.1 * s, (255, 255, 255))
        sheet.oval(eye_x, y + 0.05 * s, 0.08 * s, 0.095 * s, INK)
        sheet.arc(eye_x, y + 0.07 * s, 0.18 * s, 0.14 * s, 200, 340, INK, 0.045 * s)
    sheet.line(at((0.0, 0.12), (-0.06, 0.4), (0.04, 0.43)), (214, 174, 148), 0.04 * s)
    sheet.line(at((-0.16, 0.64), (0.16, 0.63)), (160, 86, 80), 0.05 * s)
    sheet.blob(at((-0.86, 0.1), (-0.84, -0.7), (-0.3, -1.2), (0.3, -1.2), (0.84, -0.7), (0.86, 0.1), (0.72, -0.45),
                  (0.0, -0.72), (-0.72, -0.45)), (30, 28, 34), 6)  # fmt: skip
    sheet.blob(at((-0.3, -1.15), (-0.34, -1.6), (0, -1.75), (0.34, -1.6), (0.3, -1.15)), (30, 28, 34))
    sheet.shape(at((-0.36, -1.28), (0.36, -1.28), (0.33, -1.12), (-0.33, -1.12)), (52, 62, 88))


def fox(sheet: Sheet, x: float, y: float, size: float) -> None:
    """A toy-like red fox with a green scarf, sitting; ``x``, ``y`` is the middle of its head."""
    red, deep, cream, dark = (226, 98, 46), (190, 70, 34), (252, 236, 214), (52, 34, 34)

    def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x + px * size, y + py * size) for px, py in points]

    s = size
    sheet.blob(at((0.7, 2.7), (1.5, 2.3), (2.0, 1.4), (2.4, 1.9), (2.2, 2.8), (1.4, 3.2)), deep)
    sheet.blob(at((1.86, 1.7), (2.0, 1.4), (2.4, 1.9), (2.3, 2.3)), cream)
    sheet.blob(at((-0.8, 1.2), (0.8, 1.2), (1.15, 2.4), (1.0, 3.2), (-1.0, 3.2), (-1.15, 2.4)), red)
    sheet.blob(at((-0.45, 1.4), (0.45, 1.4), (0.55, 2.6), (0, 3.0), (-0.55, 2.6)), cream)
    for side in (-1, 1):
        sheet.oval(x + side * 0.5 * s, y + 3.12 * s, 0.34 * s, 0.2 * s, dark)
        sheet.blob(at((side * 0.45, -0.75), (side * 1.0, -1.7), (side * 1.2, -0.3)), red)
        sheet.blob(at((side * 0.62, -0.75), (side * 0.95, -1.35), (side * 1.05, -0.4)), dark)
    sheet.blob(
        at(
            (0, -0.95),
            (0.95, -0.6),
            (1.3, 0.25),
            (0.75, 0.85),
            (0, 1.1),
            (-0.75, 0.85),
            (-1.3, 0.25),
            (-0.95, -0.6),
        ),
        red,
    )
    for side in (-1, 1):
        sheet.blob(
            at(
                (side * 0.1, 0.25),
                (side * 0.75, 0.05),
                (side * 1.22, 0.3),
                (side * 0.7, 0.8),
                (side * 0.05, 0.98),
            ),
            cream,
        )
        sheet.oval(x + side * 0.48 * s, y - 0.05 * s, 0.17 * s, 0.21 * s, dark)
        sheet.oval(x + side * 0.48 * s - 0.06 * s, y - 0.13 * s, 0.06 * s, 0.07 * s, (255, 255, 255))
    sheet.oval(x, y + 0.45 * s, 0.16 * s, 0.11 * s, dark)
    sheet.arc(x - 0.13 * s, y + 0.55 * s, 0.14 * s, 0.12 * s, 20, 150, dark, 0.045 * s)
    sheet.arc(x + 0.13 * s, y + 0.55 * s, 0.14 * s, 0.12 * s, 30, 160, dark, 0.045 * s)
    sheet.blob(at((-0.95, 0.95), (0, 1.2), (0.95, 0.95), (1.0, 1.3), (0, 1.6), (-1.0, 1.3)), (58, 142, 92))
    sheet.blob(at((0.3, 1.35), (0.75, 1.4), (0.85, 2.3), (0.45, 2.35)), (46, 120, 78))
    sheet.oval(x - 0.5 * s, y - 0.45 * s, 0.28 * s, 0.14 * s, (242, 132, 84))


# --- places --------------------------------------------------------------------------------------------------


def hills(sheet: Sheet, colours: Sequence[Colour], seed: int, top: float = 620) -> None:
    chance = random.Random(seed)
    for n, colour in enumerate(colours):
        base = top + n * 130
        bumps = [(p, chance.uniform(-90, 60)) for p in range(-120, WIDE + 241, 120)]
        points = [(px, base + lift) for px, lift in bumps]
        sheet.blob([(-300, HIGH + 200), *points, (WIDE + 300, HIGH + 200)], colour)


def cloud(sheet: Sheet, x: float, y: float, size: float, colour: Colour) -> None:
    for dx, dy, r in ((-1.2, 0.2, 0.5), (-0.5, -0.1, 0.8), (0.4, -0.2, 0.9), (1.2, 0.2, 0.55)):
        sheet.oval(x + dx * size, y + dy * size, r * size, r * size * 0.62, colour)
    sheet.oval(x, y + 0.3 * size, 1.8 * size, 0.3 * size, colour)


def stars(sheet: Sheet, seed: int, count: int = 70, below: float = 600) -> None:
    chance = random.Random(seed)
    for _ in range(count):
        r = chance.choice((1.0, 1.4, 2.2))
        sheet.oval(chance.uniform(0, WIDE), chance.uniform(0, below), r, r, (236, 236, 250))


def snow(sheet: Sheet, seed: int, count: int = 60) -> None:
    chance = random.Random(seed)
    for _ in range(count):
        r = chance.uniform(2, 6)
        sheet.oval(chance.uniform(0, WIDE), chance.uniform(0, HIGH), r, r, (240, 246, 255))


def lantern(sheet: Sheet, x: float, y: float, size: float) -> None:
    sheet.glow(x, y, size * 4, (255, 204, 120))
    sheet.blob([(x - size, y - size), (x + size, y - size), (x + size * 1.2, y), (x + size, y + size),
                (x - size, y + size), (x - size * 1.2, y)], (255, 222, 150))  # fmt: skip
    for dx in (-0.5, 0.0, 0.5):
        sheet.line(
            [(x + dx * size, y - size), (x + dx * size * 1.2, y), (x + dx * size, y + size)],
            (232, 168, 84),
            2,
        )
    half, low, high = size * 0.6, y - size * 0.9, y - size * 1.15
    sheet.shape([(x - half, high), (x + half, high), (x + half, low), (x - half, low)], (120, 60, 40))


def plum(sheet: Sheet, bloom: float) -> None:
    """A bare plum branch over a snowy wall; ``bloom`` 0 is in bud, 1 in full flower."""
    wood = (70, 46, 44)
    sheet.shape([(0, 930), (WIDE, 900), (WIDE, HIGH), (0, HIGH)], (150, 158, 172))
    sheet.shape([(0, 900), (WIDE, 866), (WIDE, 912), (0, 948)], (240, 244, 250))
    sheet.line([(-40, 1010), (120, 820), (260, 700), (400, 560), (640, 400)], wood, 26)
    for twig in (
        [(260, 700), (250, 540), (300, 400), (290, 270)], [(400, 560), (520, 620), (640, 600)],
        [(400, 560), (430, 400), (520, 260)], [(120, 820), (230, 850), (330, 830)],
    ):  # fmt: skip
        sheet.line(twig, wood, 12)
    places = [(290, 270), (300, 400), (250, 540), (520, 260), (430, 400), (640, 400), (640, 600), (520, 620),
              (330, 830), (230, 850), (340, 620), (478, 326), (470, 510), (180, 760)]  # fmt: skip
    for n, (x, y) in enumerate(places):
        if bloom < 0.5:
            sheet.oval(x, y, 11, 14, (150, 40, 60))
            continue
        r = 26 + n % 3 * 7
        for petal in range(5):
            angle = math.tau * petal / 5 + n
            sheet.oval(
                x + r * 0.62 * math.cos(angle),
                y + r * 0.62 * math.sin(angle),
                r * 0.56,
                r * 0.56,
                (232, 96, 122),
            )
        sheet.oval(x, y, r * 0.28, r * 0.28, (255, 226, 150))


def valley(sheet: Sheet, night: bool) -> None:
    if night:
        stars(sheet, 5)
        sheet.glow(540, 240, 120, (250, 246, 220))
        sheet.oval(540, 240, 56, 56, (250, 246, 220))
        greens: list[Colour] = [(40, 52, 92), (32, 44, 76), (24, 34, 58), (18, 26, 44)]
    else:
        sheet.glow(540, 240, 190, (255, 244, 200))
        sheet.oval(540, 240, 64, 64, (255, 240, 190))
        cloud(sheet, 200, 260, 70, (250, 250, 250))
        cloud(sheet, 480, 430, 50, (244, 248, 250))
        greens = [(138, 184, 168), (104, 164, 128), (78, 142, 96), (58, 116, 74)]
    hills(sheet, greens, 4)
    wall, roof = ((196, 176, 150), (112, 60, 50)) if not night else ((70, 66, 84), (40, 30, 44))
    for x, y, w in ((150, 960, 120), (330, 1040, 150), (520, 950, 110)):
        sheet.shape([(x, y), (x + w, y), (x + w, y + w * 0.7), (x, y + w * 0.7)], wall)
        sheet.shape([(x - 20, y + 6), (x + w / 2, y - w * 0.5), (x + w + 20, y + 6)], roof)
        pane = (255, 214, 120) if night else (120, 110, 100)
        if night:
            sheet.glow(x + w / 2, y + w * 0.35, 60, (255, 200, 110), 120)
        sheet.shape(
            [
                (x + w * 0.36, y + w * 0.2),
                (x + w * 0.64, y + w * 0.2),
                (x + w * 0.64, y + w * 0.5),
                (x + w * 0.36, y + w * 0.5),
            ],
            pane,
        )


# --- the pictures ----------------------------------------------------------------------------------------------


def dusk_girl() -> Sheet:
    sheet = Sheet((86, 92, 150), (246, 168, 120))
    sheet.glow(180, 560, 220, (255, 224, 170))
    cloud(sheet, 150, 300, 80, (210, 150, 160))
    cloud(sheet, 600, 420, 60, (224, 160, 150))
    hills(sheet, [(120, 96, 130), (92, 74, 110), (66, 54, 86)], 7, 760)
    a_ning(sheet, 370, 560, 150, 0.45)
    return sheet


def snow_fox() -> Sheet:
    sheet = Sheet((24, 36, 86), (86, 112, 168))
    stars(sheet, 2, 50, 500)
    hills(sheet, [(52, 72, 128), (70, 94, 152)], 9, 640)
    for x, tall in ((70, 420), (640, 520), (560, 330)):
        for n in range(3):
            half, y = 40 + n * 26, 880 - tall + n * tall / 4
            sheet.shape([(x, y - 70), (x + half, y + 90), (x - half, y + 90)], (36, 62, 84))
    sheet.blob([(-100, 930), (200, 880), (460, 920), (820, 880), (820, 1500), (-100, 1500)], (226, 236, 250))
    lantern(sheet, 570, 420, 46)
    fox(sheet, 320, 700, 125)
    snow(sheet, 3)
    return sheet


def plain(draw: Callable[[Sheet, float, float, float], None], top: Colour, bottom: Colour) -> Sheet:
    """A character on a plain ground, as a reference."""
    sheet = Sheet(top, bottom, (720, 960))
    draw(sheet, 360, 340, 150)
    return sheet


def seasons(bloom: float) -> Sheet:
    sheet = (
        Sheet((176, 190, 210), (222, 226, 232)) if bloom < 0.5 else Sheet((160, 200, 232), (240, 232, 224))
    )
    plum(sheet, bloom)
    if bloom < 0.5:
        snow(sheet, 8, 50)
    return sheet


def hours(night: bool) -> Sheet:
    sheet = Sheet((12, 18, 48), (52, 66, 112)) if night else Sheet((116, 178, 226), (224, 236, 236))
    valley(sheet, night)
    return sheet


def teahouse() -> Sheet:
    """A scene reference: an empty tea house with a round window."""
    sheet = Sheet((92, 66, 52), (52, 36, 32), (960, 720))
    sheet.oval(480, 300, 210, 210, (60, 38, 30))
    sheet.oval(480, 300, 192, 192, (206, 222, 226))
    sheet.blob(
        [(300, 380), (380, 300), (470, 350), (560, 280), (660, 372), (620, 432), (480, 490), (350, 440)],
        (120, 152, 150),
    )
    sheet.line([(480, 108), (480, 492)], (60, 38, 30), 8)
    sheet.line([(288, 300), (672, 300)], (60, 38, 30), 8)
    for x in (60, 860):
        sheet.shape([(x, 0), (x + 44, 0), (x + 44, 720), (x, 720)], (70, 44, 34))
    lantern(sheet, 190, 150, 44)
    lantern(sheet, 770, 150, 44)
    sheet.shape([(210, 560), (750, 560), (800, 610), (160, 610)], (128, 84, 56))
    sheet.shape([(200, 610), (240, 610), (240, 720), (200, 720)], (94, 60, 42))
    sheet.shape([(720, 610), (760, 610), (760, 720), (720, 720)], (94, 60, 42))
    sheet.blob([(430, 520), (530, 520), (548, 556), (520, 578), (440, 578), (412, 556)], (222, 226, 220))
    sheet.oval(600, 566, 22, 12, (222, 226, 220))
    return sheet


def pendant() -> Sheet:
    """A prop reference: a round jade pendant on a red cord."""
    sheet = Sheet((244, 240, 232), (226, 220, 208), (720, 720))
    sheet.line([(300, -10), (340, 160), (360, 220)], (176, 40, 44), 12)
    sheet.line([(420, -10), (380, 160), (360, 220)], (176, 40, 44), 12)
    sheet.oval(366, 396, 172, 172, (200, 194, 180))
    sheet.oval(360, 388, 170, 170, (112, 178, 136))
    sheet.oval(360, 388, 150, 150, (138, 200, 158))
    sheet.oval(360, 388, 46, 46, (238, 233, 223))
    sheet.arc(360, 388, 112, 112, 130, 320, (100, 162, 122), 14)
    sheet.arc(360, 388, 84, 84, -40, 140, (100, 162, 122), 14)
    sheet.oval(300, 310, 26, 14, (226, 244, 232))
    for dx in (-22, 0, 22):
        sheet.line([(360 + dx / 3, 556), (360 + dx, 690)], (176, 40, 44), 9)
    return sheet


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    dusk_girl().save("a-ning")
    snow_fox().save("fox")
    plain(lambda s, x, y, size: a_ning(s, x, y, size), (236, 234, 226), (214, 212, 204)).save("a-ning-plate")
    plain(lu_sheng, (226, 232, 236), (204, 210, 216)).save("lu-sheng-plate")
    seasons(0).save("plum-bud")
    seasons(1).save("plum-bloom")
    hours(night=False).save("valley-day")
    hours(night=True).save("valley-night")
    teahouse().save("teahouse")
    pendant().save("pendant")


if __name__ == "__main__":
    main()
