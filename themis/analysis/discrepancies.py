"""Where the paper's printed figures differ from its published scores, and how ties change the picture."""

from __future__ import annotations

import math

import polars as pl

from themis.analysis.paper_benchmark import ACCURACY_TABLES, mismatch, recomputed
from themis.analysis.printed import printed_table
from themis.registry import in_order
from themis.vocabulary import ABSENT

TOLERANCE = 0.0101  # points: a figure of two decimals that was cut instead of rounded is up to 0.01 off
KINDS = ("another run", "cells swapped", "digits transposed", "one digit differs", "rounding", "unexplained")

_ANOTHER_RUN = 0.25  # share of a model's cells
_ROUNDING = 0.05  # points
_COLUMNS = ("table", "row", "size", "column", "printed", "recomputed", "difference", "kind", "note")


def discrepancies(scores: pl.DataFrame, tolerance: float = TOLERANCE) -> pl.DataFrame:
    """The printed cells of tables 2, 3, 7, 8 and 9 that the scores contradict, in the paper's order.

    Columns: table, row, size, column (as in `printed()`), printed, recomputed (per cent, not rounded), difference
    (printed minus recomputed, points), kind, note. A cell differs where the difference exceeds `tolerance` (points).
    On the 51 published runs 88 of 1,734 cells do, 62 of them in two models. Rounding the recomputed figure to two
    decimals first gives the same 88; so does any tolerance from 0.007 to 0.036 without rounding.

    The kind is the first of KINDS that holds:
        another run         a quarter or more of the model's cells differ: its scores are of another run or checkpoint
        cells swapped       the printed figure is that of another cell of the row, and the reverse
        digits transposed   two neighbouring digits are exchanged
        one digit differs   the two figures, with two decimals, are equal but for one digit
        rounding            at most 0.05 points
        unexplained         none of these
    Only models with scores are compared; the frame is empty where the scores are on another benchmark.
    """
    cells = comparison(scores).with_columns(difference=pl.col("printed") - pl.col("recomputed"))
    differs = pl.col("difference").abs() > tolerance
    cells = cells.with_columns(differing=differs.sum().over("row"), cells=pl.len().over("row"))
    found = cells.filter(differs)
    reasons = [_reason(cell, found, cells, tolerance) for cell in found.iter_rows(named=True)]
    kinds = pl.DataFrame(reasons, schema={"kind": pl.String, "note": pl.String}, orient="row")
    return found.hstack(kinds).select(_COLUMNS)


def comparison(scores: pl.DataFrame) -> pl.DataFrame:
    """Every printed cell that the scores give too, in the paper's order: table, row, size, column, printed, recomputed
    (per cent), wins, n (pairs). Empty where the scores are not on the paper's benchmark."""
    printed = printed_table(*ACCURACY_TABLES)
    if mismatch(scores) is not None:
        printed = printed.clear()
    measured = recomputed(scores).rename({"value": "recomputed"})
    joined = printed.join(measured, on=["table", "row", "column"], how="inner", maintain_order="left")
    return joined.select("table", "row", "size", "column", "printed", "recomputed", "wins", "n")


def summary(frame: pl.DataFrame, scores: pl.DataFrame | None = None) -> str:
    """What `discrepancies` found, in one sentence: how many cells of each kind. With the scores it also says how many
    cells were compared, or why none."""
    if scores is not None and (reason := mismatch(scores)) is not None:
        return f"No printed figure was compared: {reason}."
    compared = None if scores is None else comparison(scores)
    if compared is not None and compared.is_empty():
        return "No printed figure was compared: none of the paper's models is among the scores."
    of = "Of the printed figures" if compared is None else f"Of {_said(compared)}"
    if frame.is_empty():
        return f"{of}, none differs from the scores."
    counts = dict(frame["kind"].value_counts().iter_rows())
    kinds = ", ".join(f"{kind} {counts[kind]}" for kind in KINDS if kind in counts)
    return f"{of}, {frame.height:,} differ{'s' if frame.height == 1 else ''} from the scores: {kinds}."


def tie_corrections(scores: pl.DataFrame) -> pl.DataFrame:
    """What half credit for ties does to each model that has ties, the largest gain first.

    Columns: model, n (pairs the run holds), ties, tie_rate, strict (a tie is wrong) and half_credit (half right), both
    shares of n; gain (half_credit minus strict, percentage points); decided (share of wins among wins and losses: what
    is left when ties and missing scores are set aside; null where there are none).
    """
    held = scores.filter(pl.col("missing_reason").cast(pl.String).ne_missing(ABSENT))
    wins, ties, losses = (pl.col("outcome").eq(outcome).sum() for outcome in ("win", "tie", "loss"))
    counts = held.group_by("model").agg(n=pl.len().cast(pl.Int64), wins=wins, ties=ties.cast(pl.Int64), losses=losses)
    counts = counts.filter(pl.col("ties") > 0)
    strict, gain, decided = pl.col("wins") / pl.col("n"), 0.5 * pl.col("ties") / pl.col("n"), pl.col("wins", "losses")
    table = counts.select(
        "model", "n", "ties",
        tie_rate=pl.col("ties") / pl.col("n"), strict=strict, half_credit=strict + gain, gain=100 * gain,
        decided=pl.when(pl.sum_horizontal(decided) > 0).then(pl.col("wins") / pl.sum_horizontal(decided)),
    )  # fmt: skip
    places = {model: place for place, model in enumerate(in_order(sorted(counts["model"])))}
    place = pl.col("model").replace_strict(places, return_dtype=pl.Int64)
    return table.sort("gain", place, descending=[True, False])


def _said(compared: pl.DataFrame) -> str:
    models = compared["row"].n_unique()
    return f"{compared.height:,} printed figures of {models} model{'' if models == 1 else 's'}"


def _reason(cell: dict, found: pl.DataFrame, cells: pl.DataFrame, tolerance: float) -> tuple[str, str]:
    """The kind of a differing cell, and a note with what speaks for it."""
    printed, wanted = f"{cell['printed']:.2f}", f"{cell['recomputed']:.2f}"
    if cell["differing"] >= _ANOTHER_RUN * cell["cells"]:
        return "another run", f"{cell['differing']} of the model's {cell['cells']} cells differ"
    if partner := _partner(cell, found, tolerance):
        return "cells swapped", f"with {partner}"
    note = _impossible(cell, tolerance)
    if _transposed(printed, wanted):
        return "digits transposed", note
    if _one_digit(printed, wanted):
        return "one digit differs", note
    if abs(cell["difference"]) <= _ROUNDING:
        return "rounding", note
    return "unexplained", "; ".join(said for said in (_repeated(cell, cells, tolerance), note) if said)


def _partner(cell: dict, found: pl.DataFrame, tolerance: float) -> str | None:
    """The column of the row that this cell was exchanged with."""
    swapped = (pl.col("recomputed") - cell["printed"]).abs() <= tolerance
    swapped &= (pl.col("printed") - cell["recomputed"]).abs() <= tolerance
    return next(iter(_rest_of_row(cell, found).filter(swapped)["column"]), None)


def _repeated(cell: dict, cells: pl.DataFrame, tolerance: float) -> str:
    """Whether the row has the printed figure in another column."""
    same = (pl.col("recomputed") - cell["printed"]).abs() <= tolerance
    columns = _rest_of_row(cell, cells).filter(same)["column"].to_list()
    return f"the figure of {' and '.join(columns)}" if columns else ""


def _rest_of_row(cell: dict, cells: pl.DataFrame) -> pl.DataFrame:
    same_row = (pl.col("table") == cell["table"]) & (pl.col("row") == cell["row"])
    return cells.filter(same_row & (pl.col("column") != cell["column"]))


def _transposed(printed: str, wanted: str) -> bool:
    """Whether the figures' digits are the same but for two neighbours, exchanged; the point does not count."""
    if len(printed) != len(wanted):
        return False
    first, second = printed.replace(".", ""), wanted.replace(".", "")
    places = [place for place, (a, b) in enumerate(zip(first, second, strict=True)) if a != b]
    if len(places) != 2 or places[1] != places[0] + 1:
        return False
    left, right = places
    return first[left] == second[right] and first[right] == second[left]


def _one_digit(printed: str, wanted: str) -> bool:
    return len(printed) == len(wanted) and sum(a != b for a, b in zip(printed, wanted, strict=True)) == 1


def _impossible(cell: dict, tolerance: float) -> str:
    """Whether no number of wins gives the printed figure, which then is not an accuracy on these pairs at all."""
    exact = cell["printed"] * cell["n"] / 100
    nearest = min(abs(100 * wins / cell["n"] - cell["printed"]) for wins in (math.floor(exact), math.ceil(exact)))
    return f"no number of wins in {cell['n']:,} pairs gives {cell['printed']:.2f}" if nearest > tolerance else ""
