"""The flow diagram of the ledger: rows from the mining query to the pairs, what is dropped peeling off with its reason."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline

from themis.analysis.attrition import ASSEMBLED, SHARED, SPLITS, stage_label
from themis.analysis.drawing import BLUE, SKY, VERMILLION, foreign, message, style

# All in inches. The splits run side by side, training on the left with its reasons left of it.
_PAGE, _MARGIN, _WIDEST = 11.0, 2.6, 2.4
_CENTRES = {SHARED: _PAGE / 2, "train": _PAGE / 2 - 1.6, "benchmark": _PAGE / 2 + 1.6}
_BAR, _SLOT, _TURN, _WIDEN, _LABEL, _FOOT = 0.08, 0.175, 0.1, 0.44, 0.2, 0.45
_COLOURS = {SHARED: SKY, "train": BLUE, "benchmark": VERMILLION}
_DROPPED = "#D4D4D4"
_SHOWN = 8  # reasons of a stage that are named
_NOTE = "Within a stage the bands are in proportion; the width of a stage grows with the logarithm of its rows."
_COPIES = "Both training sets are assembled from the same training rows."


@dataclass
class _Stage:
    lane: str
    stage: str
    after: str | None
    rows_in: int
    rows_kept: int
    entered: int
    drops: list[tuple[str, int]]
    fed: list[_Stage] = field(default_factory=list)
    centre: float = 0.0
    width: float = 0.0
    top: float = 0.0  # of its bar
    neck: float = 0.0  # down to which what it kept runs straight, beside what it dropped
    foot: float = 0.0  # where what it kept arrives if no stage takes it in

    @property
    def kept(self) -> tuple[float, float]:
        """From where to where on the bar lies what it kept: away from the side on which the rest leaves."""
        left, right = self.centre - self.width / 2, self.centre + self.width / 2
        wide = self.width * self.rows_kept / self.rows_in if self.rows_in else 0.0
        return (right - wide, right) if self.lane == "train" else (left, left + wide)


def flow_diagram(flow: pl.DataFrame) -> Figure:
    """Every stage a bar, what it kept flowing down from it and what it dropped to the side. `flow` is what
    `attrition.flow` returns."""
    stages = _stages(flow)
    if not any(stage.rows_in for stage in stages):
        return message("No rows came into the chain: the ledger has nothing to draw.")
    _measure(stages)
    height = _place(stages)
    with style():
        figure = Figure(figsize=(_PAGE, height))
        axis = figure.add_axes((0, 0, 1, 1), xlim=(0, _PAGE), ylim=(0, height))
        axis.axis("off")
        for stage in stages:
            _draw_dropped(axis, stage)
            _draw_kept(axis, stage)
        for stage in stages:
            _draw_bar(axis, stage)
        for split, title in SPLITS.items():
            tops = [stage.top for stage in stages if stage.lane == split]
            if tops:
                axis.text(_CENTRES[split], max(tops) + _LABEL, title, ha="center", va="bottom", weight="bold")
        copied = any(_are_copies(stage.fed) for stage in stages)
        note = f"{_NOTE}\n{_COPIES}" if copied else _NOTE
        axis.text(0.12, 0.12, note, va="bottom", fontsize=8, color="#444444", linespacing=1.4)
    return figure


def _stages(flow: pl.DataFrame) -> list[_Stage]:
    """The stages in the chain's order, each with those that take in what it kept."""
    names = ("lane", "stage", "after", "rows_in", "rows_kept", "entered")
    stages = []
    for key, part in flow.group_by(names, maintain_order=True):
        drops = [(reason, rows) for reason, rows in part.select("reason", "rows_dropped").iter_rows() if rows]
        if len(drops) > _SHOWN:
            rest = drops[_SHOWN - 1 :]
            drops = [*drops[: _SHOWN - 1], (f"{len(rest)} other reasons", sum(rows for _, rows in rest))]
        stages.append(_Stage(*key, drops))
    found = {(stage.lane, stage.stage): stage for stage in stages}
    for stage in stages:
        before = found.get((stage.lane, stage.after)) or found.get((SHARED, stage.after))
        if before:
            before.fed.append(stage)
    for stage in stages:
        stage.fed.sort(key=lambda other: (_CENTRES[other.lane], stages.index(other)))
    return stages


def _levels(stages: Sequence[_Stage]) -> list[list[_Stage]]:
    """Stages drawn side by side: one stage's two splits, and the first set that is assembled from each split."""
    levels: dict[tuple[str, int], list[_Stage]] = {}
    sets = dict.fromkeys(SPLITS, 0)
    for stage in stages:
        key = (stage.stage, 0)
        if stage.stage in ASSEMBLED:
            key = ("", sets[stage.lane])
            sets[stage.lane] += 1
        levels.setdefault(key, []).append(stage)
    return list(levels.values())


def _place(stages: Sequence[_Stage]) -> float:
    """Give every stage its heights; that of the page."""
    titled: set[str] = set()
    y = 0.1 + _LABEL  # downwards
    for level in _levels(stages):
        lanes = {stage.lane for stage in level} - {SHARED}
        y += 0.0 if lanes <= titled else 0.3  # room for the splits' names, and to draw apart
        titled |= lanes
        neck = y + _BAR + max(sum(slot for slot, _ in _slots(stage)) + _TURN * bool(stage.drops) for stage in level)
        for stage in level:
            stage.top, stage.neck, stage.foot = y, neck, neck + _WIDEN
        y = neck + _WIDEN + (0.0 if all(stage.fed for stage in level) else _BAR + 0.12 + _LABEL)
    height = y + _FOOT
    for stage in stages:
        stage.top, stage.neck, stage.foot = height - stage.top, height - stage.neck, height - stage.foot
    return height


def _measure(stages: Sequence[_Stage]) -> None:
    most = max(stage.rows_in for stage in stages)
    sets = {lane: [one for one in stages if one.lane == lane and one.stage in ASSEMBLED] for lane in SPLITS}
    for stage in stages:
        stage.centre = _CENTRES[stage.lane]
        stage.width = _WIDEST * (0.3 + 0.7 * math.log1p(stage.rows_in) / math.log1p(most)) * bool(stage.rows_in)
        beside = sets.get(stage.lane, [])
        if stage in beside and len(beside) > 1:  # two sets of one split: each half as wide
            stage.width /= 2
            stage.centre += _WIDEST * (0.27 if beside.index(stage) else -0.27)


def _slots(stage: _Stage) -> list[tuple[float, float]]:
    """For each reason the height kept free for it, and the thickness of its band where it ends."""
    thick = [max(0.3 * stage.width * rows / stage.rows_in, 0.02) for _, rows in stage.drops]
    return [(max(_SLOT, one + 0.04), one) for one in thick]


def _draw_dropped(axis: Axes, stage: _Stage) -> None:
    """Bands from the bar to the margin, the most frequent reason outermost and on top, so that none cross."""
    way = -1 if stage.lane == "train" else 1
    x, end = stage.centre + way * stage.width / 2, (_MARGIN if way < 0 else _PAGE - _MARGIN)
    start = stage.top - _BAR
    y = start - _TURN
    for (reason, rows), (slot, thick) in zip(stage.drops, _slots(stage), strict=True):
        inner = x - way * stage.width * rows / stage.rows_in
        high, low = y - slot / 2 + thick / 2, y - slot / 2 - thick / 2
        corner = 0.35 * (end - x)
        points = [(x, start), (x, high), (x + corner / 4, high), (x + corner, high), (end, high), (end, low)]
        points += [(x + corner, low), (inner, low), (inner, low), (inner, start), (inner, start)]
        codes = [Outline.MOVETO, *[Outline.CURVE4] * 3, Outline.LINETO, Outline.LINETO, Outline.LINETO]
        codes += [*[Outline.CURVE4] * 3, Outline.CLOSEPOLY]
        axis.add_patch(PathPatch(Outline(points, codes), facecolor=_DROPPED, edgecolor="white", linewidth=0.5))
        said = {"ha": "right" if way < 0 else "left", "va": "center", "fontsize": 8, "parse_math": False}
        axis.text(end + way * 0.06, y - slot / 2, f"{rows:,} {foreign(reason, 32)}", **said)
        x, y = inner, y - slot


def _draw_kept(axis: Axes, stage: _Stage) -> None:
    """Bands from the bar to the bars of the stages that take in what it kept, or to its own end."""
    left, right = stage.kept
    if not stage.rows_kept:
        return
    heights = (stage.top - _BAR, stage.neck)
    if not stage.fed:
        half = (right - left) / 2
        _band(axis, (left, right), heights, (stage.centre - half, stage.centre + half), stage.foot, stage.lane)
        return
    # Splits share what was kept; two sets of pairs are made from the same rows and halve the band.
    shares = [1 if _are_copies(stage.fed) else max(other.rows_in - other.entered, 0) for other in stage.fed]
    for other, share in zip(stage.fed, shares, strict=True):
        wide = (right - left) * share / (sum(shares) or 1)
        taken = (other.rows_in - other.entered) / other.rows_in if other.rows_in else 0.0
        start = other.centre - other.width / 2
        _band(axis, (left, left + wide), heights, (start, start + other.width * min(taken, 1.0)), other.top, other.lane)
        left += wide


def _are_copies(fed: Sequence[_Stage]) -> bool:
    return len(fed) > 1 and all(stage.stage in ASSEMBLED for stage in fed)


def _band(
    axis: Axes,
    above: tuple[float, float],
    heights: tuple[float, float],
    below: tuple[float, float],
    end: float,
    lane: str,
) -> None:
    """A band that runs straight between the two heights, and from there to `below`."""
    start, neck = heights
    middle = (neck + end) / 2
    points = [(above[0], start), (above[0], neck), (above[0], middle), (below[0], middle), (below[0], end)]
    points += [(below[1], end), (below[1], middle), (above[1], middle), (above[1], neck), (above[1], start)]
    curve, line = Outline.CURVE4, Outline.LINETO
    codes = [Outline.MOVETO, line, curve, curve, curve, line, curve, curve, curve, line]
    axis.add_patch(PathPatch(Outline(points, codes), facecolor=_COLOURS[lane], alpha=0.38, linewidth=0))


def _draw_bar(axis: Axes, stage: _Stage) -> None:
    """The stage's name and rows on its bar and, where nothing takes in what it kept, a bar of these."""
    others = f", {stage.entered:,} of them not commits" if stage.entered > 0 else ""
    _bar(axis, stage, stage.top, stage.width, f"{stage_label(stage.stage)}: {stage.rows_in:,}{others}")
    if not stage.fed:
        wide = stage.width * stage.rows_kept / stage.rows_in if stage.rows_in else 0.0
        _bar(axis, stage, stage.foot, wide, f"{stage.rows_kept:,} kept")


def _bar(axis: Axes, stage: _Stage, top: float, width: float, text: str) -> None:
    place = (stage.centre - width / 2, top - _BAR)
    axis.add_patch(Rectangle(place, width, _BAR, facecolor=_COLOURS[stage.lane], linewidth=0))
    axis.text(stage.centre, top + 0.04, text, ha="center", va="bottom", fontsize=8.5)
