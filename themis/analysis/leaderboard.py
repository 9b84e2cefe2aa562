"""The data of the leaderboard: every model's facts and outcomes, packed small for a page that computes the rest."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from themis.analysis.accuracy import label, ordered_groups
from themis.analysis.panel import OUTCOMES, panel
from themis.errors import Problem
from themis.registry import reference_model

GROUPINGS = ("aspect", "language", "subset")
CODES = {"loss": 0, "tie": 1, "win": 2, "missing": 3}  # two bits a pair


def payload(scores: pl.DataFrame) -> dict[str, Any]:
    """What the page is told of `scores` (from `inputs.read_scores`): plain lists, numbers and strings.

    pairs: how many; they are in the order of their ids. columns: by grouping, the names and labels of its groups and
    the group of each pair; cluster: the prompt of each pair. These numbers are base64 of little-endian integers of
    `width` bytes. models: the facts of each in the order of the table, and `outcomes`, base64 of four pairs a byte, the
    first in the lowest two bits, by CODES. Raises Problem where there are no pairs.
    """
    if scores.is_empty():
        raise Problem("the scores hold no rows; score at least one model on a benchmark with pairs")
    data = panel(scores)
    codes = np.array([CODES[outcome] for outcome in OUTCOMES], dtype=np.uint8)[data.outcome]
    return {
        "pairs": len(data.ids),
        "columns": {by: _column(data.labels[by]) for by in GROUPINGS},
        "cluster": _packed(data.cluster),
        "models": [
            facts(model) | {"outcomes": _base64(two_bits(codes[:, place]))} for place, model in enumerate(data.models)
        ],
    }


def facts(model: str) -> dict[str, Any]:
    """What the registry knows of a model: name, family, size (billions), kind, architecture, hub, license, citation."""
    known = reference_model(model).model_dump()
    names = ("family", "size", "kind", "architecture", "hub", "license", "citation")
    return {"name": model} | {name: known[name] for name in names}


def two_bits(codes: np.ndarray) -> np.ndarray:
    """Codes [n] from 0 to 3 as bytes [(n + 3) // 4], the first code in the lowest two bits."""
    padded = np.zeros(-(-len(codes) // 4) * 4, dtype=np.uint8)
    padded[: len(codes)] = codes
    four = padded.reshape(-1, 4) << np.array([0, 2, 4, 6], dtype=np.uint8)
    return np.bitwise_or.reduce(four, axis=1)


def _column(groups: Sequence[str] | np.ndarray) -> dict[str, Any]:
    names = ordered_groups({str(name) for name in groups})
    place = {name: number for number, name in enumerate(names)}
    numbers = np.array([place[str(name)] for name in groups])
    return {"names": names, "labels": [label(name) for name in names], **_packed(numbers)}


def _packed(numbers: np.ndarray) -> dict[str, Any]:
    """The narrowest of one, two or four bytes a number."""
    width = next(width for width in (1, 2, 4) if int(numbers.max()) < 256**width)
    return {"width": width, "codes": _base64(numbers.astype(f"<u{width}"))}


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
