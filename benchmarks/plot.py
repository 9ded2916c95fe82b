"""A line plot as SVG, by hand: two or three lines of a few points need no library."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 680, 380
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 64, 56
COLORS = ("#1f6feb", "#c2410c", "#15803d", "#7e22ce")
Points = Sequence[tuple[float, float]]


def ticks(highest: float) -> list[float]:
    """Return about five round numbers from 0 to the highest."""
    step = 10 ** math.floor(math.log10(highest / 4))
    step = next(step * times for times in (1, 2, 5, 10) if highest / (step * times) <= 6)
    return [step * number for number in range(math.ceil(highest / step) + 1)]


def draw(
    path: Path,
    lines: Mapping[str, Points],
    *,
    title: str,
    x_title: str,
    y_title: str,
    levels: Mapping[str, float] | None = None,
    log_x: bool = True,
) -> None:
    """Draw lines with their points and a legend; `levels` are dashed horizontals."""
    levels = levels or {}
    xs = sorted({x for points in lines.values() for x, _ in points})
    highest = max([y for points in lines.values() for _, y in points] + list(levels.values()))
    y_ticks = ticks(highest)

    def at_x(x: float) -> float:
        low, high, value = xs[0], xs[-1], x
        if log_x:
            low, high, value = math.log(low), math.log(high), math.log(x)
        return LEFT + (value - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)

    def at_y(y: float) -> float:
        return HEIGHT - BOTTOM - y / y_ticks[-1] * (HEIGHT - TOP - BOTTOM)

    out = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="12">'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" font-size="15" fill="#1f2328">{escape(title)}</text>',
    ]
    out.extend(
        f'<path d="M{LEFT} {at_y(y):.1f}H{WIDTH - RIGHT}" stroke="#e2e5e9"/>'
        f'<text x="{LEFT - 8}" y="{at_y(y) + 4:.1f}" text-anchor="end" fill="#57606a">{y:g}</text>'
        for y in y_ticks
    )
    shown = _apart(xs if log_x else ticks(xs[-1]), at_x)
    out.extend(
        f'<text x="{at_x(x):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" '
        f'fill="#57606a">{x:,.0f}</text>'
        for x in shown
    )
    out.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle" '
        f'fill="#1f2328">{escape(x_title)}</text>'
        f'<text transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" '
        f'text-anchor="middle" fill="#1f2328">{escape(y_title)}</text>'
    )
    out.extend(
        f'<path d="M{LEFT} {at_y(y):.1f}H{WIDTH - RIGHT}" stroke="#57606a" '
        f'stroke-dasharray="5 4"/><text x="{WIDTH - RIGHT}" y="{at_y(y) - 5:.1f}" '
        f'text-anchor="end" fill="#57606a">{escape(name)}</text>'
        for name, y in levels.items()
    )
    legend_x = LEFT
    for number, (name, points) in enumerate(lines.items()):
        out += _line(name, [(at_x(x), at_y(y)) for x, y in points], COLORS[number], legend_x)
        legend_x += 48 + 7 * len(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*out, "</svg>"]) + "\n")


def _apart(xs: Sequence[float], at_x: Callable[[float], float]) -> list[float]:
    """Leave out marks that would touch the one before."""
    kept: list[float] = []
    for x in xs:
        if not kept or at_x(x) - at_x(kept[-1]) > 34:
            kept.append(x)
    return kept


def _line(name: str, points: Sequence[tuple[float, float]], color: str, legend_x: int) -> list[str]:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    marks = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points]
    return [
        f'<polyline points="{joined}" fill="none" stroke="{color}" stroke-width="2"/>',
        *marks,
        (
            f'<path d="M{legend_x} 42h18" stroke="{color}" stroke-width="3"/>'
            f'<text x="{legend_x + 24}" y="46" fill="#1f2328">{escape(name)}</text>'
        ),
    ]
