"""Small SVG drawings, by hand: points and lines on two axes, readable on light and dark pages."""

from collections.abc import Mapping, Sequence
from html import escape

from dramagen.routing.frontier import Point

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 16, 48
COLOURS = ("#888888", "#d97706", "#2563eb", "#059669", "#9333ea", "#dc2626")


def plane(title: str, across: str, up: str, series: Mapping[str, Sequence[Point]], dots: str) -> str:
    """A line of every series, from (0, 0) on; the one named ``dots`` is drawn as points alone."""
    most = max(cost for points in series.values() for cost, _ in points) * 1.03

    def at(point: Point) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * point[0] / most
        y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * point[1]
        return round(x, 1), round(y, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="12"><title>{escape(title)}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    ]
    for step in range(6):
        x, y = at((most * step / 5, step / 5))
        left, low = at((0, 0))
        right, high = at((most, 1))
        parts.append(
            f'<path d="M{left} {y}H{right}M{x} {low}V{high}" stroke="#e5e7eb" fill="none"/>'
            f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{step / 5:.1f}</text>'
            f'<text x="{x}" y="{low + 16}" text-anchor="middle">{most * step / 5:.2f}</text>'
        )
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        if name == dots:
            parts += [f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>' for x, y in map(at, points)]
        else:
            path = " ".join(f"{x},{y}" for x, y in map(at, sorted(points)))
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = HEIGHT - BOTTOM - 16 * (len(series) - number)
        parts.append(
            f'<rect x="{WIDTH - 250}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
            f'<text x="{WIDTH - 234}" y="{y}">{escape(name)}</text>'
        )
    parts.append(
        f'<text x="{(WIDTH + LEFT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{escape(across)}</text>'
        f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(up)}</text></svg>\n'
    )
    return "\n".join(parts)
