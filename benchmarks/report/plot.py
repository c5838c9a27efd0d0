"""Time against number of pods, a line for each system, as SVG.

A few lines of text: a plotting library would be the largest thing that labctl installs.
"""

from collections.abc import Iterator, Mapping
from math import floor, log10

from benchmarks.findings import Steps

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 150, 20, 50
_COLOURS = ("#0b7285", "#868e96", "#c92a2a", "#e67700", "#5f3dc4", "#2b8a3e")
_TICKS = 5
_LABEL = 14  # pixels between names at the lines' ends

_STYLE = """<style>
text { font: 12px sans-serif; fill: #495057 }
.grid { stroke: #dee2e6 } .axis { stroke: #495057 }
polyline { fill: none; stroke-width: 2 }
</style>"""


def plot(curves: Mapping[str, Steps]) -> str:
    """The whole picture; the axes reach as far as the longest line."""
    steps = [step for line in curves.values() for step in line]
    if not steps:
        raise ValueError("nothing to plot")
    scale = _Scale(max(number for _, number in steps), max(seconds for seconds, _ in steps))
    parts = [_STYLE, *_grid(scale), *_lines(curves, scale)]
    body = "\n".join(parts)
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n'
        f"<title>Seconds until so many pods are there</title>\n"
        f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


class _Scale:
    """From pods and seconds to pixels."""

    def __init__(self, pods: int, seconds: float) -> None:
        self.pods = ticks(pods)
        self.seconds = ticks(seconds)

    def x(self, pods: float) -> float:
        return _LEFT + pods / self.pods[-1] * (_WIDTH - _LEFT - _RIGHT)

    def y(self, seconds: float) -> float:
        return _HEIGHT - _BOTTOM - seconds / self.seconds[-1] * (_HEIGHT - _TOP - _BOTTOM)


def ticks(top: float) -> list[float]:
    """Round numbers from zero to `top` or just above, about five of them."""
    power: float = 10 ** floor(log10(top / _TICKS))
    step = next(power * one for one in (1, 2, 5, 10) if power * one * _TICKS >= top * 0.999)
    count = next(n for n in range(1, _TICKS + 1) if n * step >= top * 0.999)
    return [round(n * step, 9) for n in range(count + 1)]


def _grid(scale: _Scale) -> Iterator[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for seconds in scale.seconds:
        y = scale.y(seconds)
        yield f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(_LEFT - 8, y + 4, f"{seconds:g} s", "end")
    for pods in scale.pods:
        yield _text(scale.x(pods), bottom + 18, f"{pods:,g}", "middle")
    yield _text((_LEFT + right) / 2, bottom + 38, "pods (Mininet: hosts)", "middle")
    yield f'<line class="axis" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'


def _lines(curves: Mapping[str, Steps], scale: _Scale) -> Iterator[str]:
    """Lines, and their names at their ends, which are kept from lying on one another."""
    lowest = float("inf")
    in_order = sorted(zip(curves.items(), _COLOURS, strict=False), key=lambda one: one[0][1][-1])
    for (name, steps), colour in in_order:
        places = [(_LEFT, _HEIGHT - _BOTTOM), *((scale.x(n), scale.y(s)) for s, n in steps)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{points}" stroke="{colour}"/>'
        x, y = places[-1]
        lowest = min(y, lowest - _LABEL)
        yield _text(x + 8, lowest + 4, name, "start", colour)


def _text(x: float, y: float, text: str, anchor: str, colour: str = "") -> str:
    style = f' style="fill:{colour}"' if colour else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{text}</text>'
