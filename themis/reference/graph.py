"""Draw the graph of the rules as a small SVG: layers from top to bottom, no other program needed."""

from __future__ import annotations

import re
import sys
from html import escape
from itertools import pairwise
from pathlib import Path

import networkx as nx

from themis.errors import Problem

_NODE = re.compile(r'^\s*(\d+)\s*\[label\s*=\s*"?([^",\]]+)"?', re.M)
_EDGE = re.compile(r"^\s*(\d+)\s*->\s*(\d+)", re.M)
_SWEEPS = 24
_ROW, _GAP, _HEIGHT, _CHARACTER, _MARGIN = 42, 10, 20, 6.1, 8  # pixels

# A rule, or where an edge (before, after) crosses a layer.
Knot = str | tuple[str, str, int]


def write_graph(dot: Path, out: Path) -> None:
    """Draw what `snakemake --rulegraph dot` printed. Raises Problem where there is no rule in it."""
    text = sys.stdin.read() if str(dot) == "-" else dot.read_text(encoding="utf-8")
    out.write_text(rule_graph(text), encoding="utf-8")


def rule_graph(dot: str) -> str:
    """The drawing, SVG: every rule a box, every edge that no path of others says."""
    graph = _read(dot)
    layers, lines = _layers(graph)
    places, width, height = _places(layers)
    paths = [_path([places[knot] for knot in line]) for line in lines]
    boxes = [_box(name, *places[name]) for name in sorted(graph)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="11">\n'
        '<rect width="100%" height="100%" fill="#fff"/>\n<g fill="none" stroke="#8a8a8a">\n'
        + "\n".join(paths)
        + '\n</g>\n<g fill="#e8f1fa" stroke="#0072b2">\n'
        + "\n".join(boxes)
        + "\n</g>\n</svg>\n"
    )


def _read(dot: str) -> nx.DiGraph:
    names = dict(_NODE.findall(dot))
    if not names:
        raise Problem("no rule in what Snakemake printed; run snakemake --rulegraph dot")
    graph = nx.DiGraph()
    graph.add_nodes_from(sorted(names.values()))
    # A rule whose jobs follow each other, as the stages of training do, has an edge to itself.
    graph.add_edges_from(sorted((names[a], names[b]) for a, b in _EDGE.findall(dot) if a != b))
    return nx.transitive_reduction(graph)


def _layers(graph: nx.DiGraph) -> tuple[list[list[Knot]], list[list[Knot]]]:
    """The knots of every layer, in an order that makes few lines cross, and the knots that each line goes through."""
    rank = {name: at for at, layer in enumerate(nx.topological_generations(graph)) for name in layer}
    for name in graph:
        if not graph.in_degree(name) and graph.out_degree(name):
            rank[name] = min(rank[after] for after in graph.successors(name)) - 1
    lines: list[list[Knot]] = [
        [a, *((a, b, at) for at in range(rank[a] + 1, rank[b])), b] for a, b in sorted(graph.edges)
    ]
    layers: list[list[Knot]] = [[] for _ in range(max(rank.values()) + 1)]
    for name in sorted(graph):
        layers[rank[name]].append(name)
    above: dict[Knot, list[Knot]] = {}
    below: dict[Knot, list[Knot]] = {}
    for line in lines:
        for knot in line[1:-1]:
            layers[knot[2]].append(knot)
        for a, b in pairwise(line):
            below.setdefault(a, []).append(b)
            above.setdefault(b, []).append(a)
    for sweep in range(_SWEEPS):
        near, order = (above, layers) if sweep % 2 == 0 else (below, layers[::-1])
        at = {knot: place - len(layer) / 2 for layer in layers for place, knot in enumerate(layer)}
        for layer in order:
            centre = {knot: _mean([at[other] for other in near.get(knot, [knot])]) for knot in layer}
            layer.sort(key=centre.__getitem__)
            at |= {knot: place - len(layer) / 2 for place, knot in enumerate(layer)}
    return layers, lines


def _places(layers: list[list[Knot]]) -> tuple[dict[Knot, tuple[float, float, float]], float, float]:
    """Left, top and width of every knot, and the size of the whole."""
    widths = {knot: len(knot) * _CHARACTER + 12 if isinstance(knot, str) else _GAP for row in layers for knot in row}
    spans = [sum(widths[knot] + _GAP for knot in layer) - _GAP for layer in layers]
    places = {}
    for at, (layer, span) in enumerate(zip(layers, spans, strict=True)):
        left = _MARGIN + (max(spans) - span) / 2
        for knot in layer:
            places[knot] = (left, _MARGIN + at * _ROW, widths[knot])
            left += widths[knot] + _GAP
    return places, max(spans) + 2 * _MARGIN, (len(layers) - 1) * _ROW + _HEIGHT + 2 * _MARGIN


def _box(name: str, left: float, top: float, width: float) -> str:
    return (
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" height="{_HEIGHT}" rx="4"/>'
        f'<text x="{left + width / 2:.0f}" y="{top + 14:.0f}" text-anchor="middle" fill="#222" stroke="none">'
        f"{escape(name)}</text>"
    )


def _path(places: list[tuple[float, float, float]]) -> str:
    """A line from the lower end of the first place to the upper end of the last, straight through those between."""
    middles = [left + width / 2 for left, _, width in places]
    bend = (_ROW - _HEIGHT) * 0.6
    parts = [f"M{middles[0]:.0f} {places[0][1] + _HEIGHT:.0f}"]
    for at in range(1, len(places)):
        top, start = places[at][1], places[at - 1][1] + _HEIGHT
        parts.append(
            f"C{middles[at - 1]:.0f} {start + bend:.0f} {middles[at]:.0f} {top - bend:.0f} {middles[at]:.0f} {top:.0f}"
        )
        if at < len(places) - 1:
            parts.append(f"V{top + _HEIGHT:.0f}")
    return f'<path d="{"".join(parts)}"/>'


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
