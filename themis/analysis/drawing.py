"""How every figure looks, and how it is saved: one style, one mark per model, the same bytes each time."""

from __future__ import annotations

import io
import math
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib
import polars as pl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from themis.files import write_bytes, write_text
from themis.registry import known_models, reference_model

# Okabe and Ito's palette, which colour-blind readers can tell apart; yellow is left out, it is too faint for points.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
GREY = "#BBBBBB"
CHANCE = 0.5
CHANCE_LINE: dict[str, Any] = {"color": "#555555", "linestyle": (0, (4, 3)), "linewidth": 0.9, "zorder": 1}
_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
_DPI = 200
_STYLE: dict[str, Any] = {
    "figure.dpi": _DPI,
    "savefig.dpi": _DPI,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "grid.linewidth": 0.6,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "themis",
    "figure.constrained_layout.w_pad": 0.12,
    "figure.constrained_layout.h_pad": 0.08,
}
# What the three formats would otherwise say about when and by which version they were made.
_METADATA = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}


@dataclass(frozen=True)
class Mark:
    """The colour and marker of a model's family."""

    colour: str
    marker: str


@dataclass(frozen=True)
class Saved:
    """A figure on disk; a notebook shows its PNG."""

    stem: Path
    width: int  # of the PNG as shown, in CSS pixels

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        png = self.stem.with_name(self.stem.name + ".png").read_bytes()
        return png, {"width": self.width, "alt": self.stem.name.replace("_", " ")}


def marks(models: Sequence[str]) -> dict[str, Mark]:
    """A mark per model: its family's (`registry`), the same in every figure of every study.

    The largest families come first and differ in colour. A model the registry does not know is a family of its own, and
    takes the first mark that no known family among `models` has.
    """
    styles = [Mark(colour, marker) for marker, colour in product(_MARKERS, _COLOURS)]
    known = Counter(model.family for model in known_models())
    fixed = dict(zip((family for family, _ in known.most_common()), styles, strict=False))
    families = list(dict.fromkeys(reference_model(model).family for model in models))
    taken = {fixed[family] for family in families if family in fixed}
    free = [mark for mark in styles if mark not in taken]
    strangers = [family for family in families if family not in fixed]
    own = {family: free[place % len(free)] for place, family in enumerate(strangers)}
    return {model: (fixed | own)[reference_model(model).family] for model in models}


@contextmanager
def style() -> Iterator[None]:
    """Within it, figures are made and saved in the kit's style."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def panels(number: int, columns: int, width: float, height: float, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of `number` panels in rows of at most `columns`, each `width` x `height` inches."""
    columns = max(1, min(columns, number))
    rows = math.ceil(number / columns)
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options).ravel().tolist()
    for spare in axes[number:]:
        spare.remove()
    return figure, axes[:number]


def share_axis(axis: Axes, chance: bool = True) -> None:
    """An x axis from 0 to 100%, with a line at chance."""
    axis.set_xlim(0, 1)
    axis.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axis.xaxis.set_major_formatter(PercentFormatter(1))
    axis.grid(True, axis="x")
    if chance:
        axis.axvline(CHANCE, **CHANCE_LINE)


def message(text: str) -> Figure:
    """In place of a figure that a study has nothing for: why not."""
    with style():
        figure = Figure(figsize=(6.5, 1.1), layout="constrained")
        figure.text(0.02, 0.5, textwrap.fill(text, 90), va="center", fontsize=9, color="#444444")
    return figure


def foreign(text: str, most: int = 40) -> str:
    """A text that the mined repositories hold, as it can be drawn: cut, and with a box for what the font lacks. Draw it
    with `parse_math=False`: a dollar sign in it is no formula."""
    drawn = "".join(char if ord(char) in _glyphs() and char.isprintable() else "\u25a1" for char in text[: most + 1])
    return drawn if len(drawn) <= most else drawn[: most - 1] + "…"


def first_legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """A legend below the panels, with every label once."""
    handles = {text: handle for axis in axes for handle, text in zip(*axis.get_legend_handles_labels(), strict=True)}
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)


@cache
def _glyphs() -> frozenset[int]:
    font = font_manager.get_font(font_manager.findfont(_STYLE["font.family"]))
    return frozenset(font.get_charmap())


def save(figure: Figure, data: pl.DataFrame, stem: Path) -> Saved:
    """Write STEM.svg, STEM.pdf, STEM.png and the drawn data as STEM.csv; the same figure gives the same bytes."""
    stem = Path(stem)
    with style():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once: the three files agree
        for form, metadata in _METADATA.items():
            content = io.BytesIO()
            figure.savefig(content, format=form, metadata=metadata)
            write_bytes(stem.with_name(f"{stem.name}.{form}"), content.getvalue())
    write_text(stem.with_name(f"{stem.name}.csv"), data.write_csv(float_precision=6))
    return Saved(stem, round(figure.get_figwidth() * 96))
