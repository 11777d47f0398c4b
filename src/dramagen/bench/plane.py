"""The cost-quality plane as a drawing: each route a point, what mixing them can reach a line above them."""

from collections.abc import Mapping
from html import escape

from dramagen.bench.figures import Figures
from dramagen.bench.results import Plane

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 56, 24, 20, 52


def draw(plane: Plane, figures: Mapping[str, Figures], currency: str) -> str:
    """An SVG that takes its colours from the page (``--c0`` to ``--c7``, ``--ink``, ``--faint``)."""
    most = max((cost for cost, _ in plane.points.values()), default=0.0) * 1.12 or 1.0
    room_x, room_y = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(cost: float, quality: float) -> tuple[float, float]:
        return LEFT + room_x * min(1.0, cost / most), TOP + room_y * (1 - quality)

    parts = [*_grid(most, currency, at(0, 0), at(most, 1))]
    corners = [*plane.hull, (most, plane.hull[-1][1])] if plane.hull else []
    if corners:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*corner) for corner in corners))
        parts.append(f'<polyline points="{path}" class="hull"/>')
    for number, route in enumerate(figures):
        if route not in plane.points:
            continue
        cost, quality = plane.points[route]
        x, y = at(cost, quality)
        low, high = (at(cost, end)[1] for end in figures[route].rate_interval)
        colour = f"var(--c{number % 8})"
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{colour}" class="whisker"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="11" fill="{colour}"><title>{escape(route)}: {quality:.0%}, '
            f"{cost:.2f} {currency} a take</title></circle>"
            f'<text x="{x:.1f}" y="{y + 4:.1f}" class="letter">{letter(number)}</text>'
        )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Share of takes accepted against their cost">'
        f"{''.join(parts)}</svg>"
    )


def letter(number: int) -> str:
    """What a route is called in the drawing: A, B, ... Z, 27, 28."""
    return chr(ord("A") + number) if number < 26 else str(number + 1)


def _grid(most: float, currency: str, low: tuple[float, float], high: tuple[float, float]) -> list[str]:
    lines = []
    for step in range(5):
        y = low[1] + (high[1] - low[1]) * step / 4
        lines.append(
            f'<line x1="{low[0]}" x2="{high[0]}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
            f'<text x="{low[0] - 8}" y="{y + 4:.1f}" class="tick end">{step * 25}%</text>'
        )
        x = low[0] + (high[0] - low[0]) * step / 4
        lines.append(f'<text x="{x:.1f}" y="{low[1] + 20}" class="tick mid">{most * step / 4:.2f}</text>')
    middle = (low[0] + high[0]) / 2
    lines.append(f'<text x="{middle}" y="{low[1] + 42}" class="tick mid">{escape(currency)} a take</text>')
    return lines
