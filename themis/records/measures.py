"""The Arrow schemas of what the analysis computes from scores, one per measure."""

from __future__ import annotations

import pyarrow as pa

_TEXT, _COUNT, _NUMBER, _TRUTH = pa.string(), pa.int64(), pa.float64(), pa.bool_()


def _schema(texts: str = "", counts: str = "", numbers: str = "", maybe: str = "", order: str = "") -> pa.Schema:
    """Fields by kind, names separated by blanks: texts, counts and numbers that are always there, numbers that may be
    missing. `order` names the columns in their order on disk."""
    kinds = {
        **{name: pa.field(name, _TEXT, nullable=False) for name in texts.split()},
        **{name: pa.field(name, _COUNT, nullable=False) for name in counts.split()},
        **{name: pa.field(name, _NUMBER, nullable=False) for name in numbers.split()},
        **{name: pa.field(name, _NUMBER) for name in maybe.split()},
    }
    return pa.schema([kinds[name] for name in (order or " ".join(kinds)).split()])


MEASURE_SCHEMAS: dict[str, pa.Schema] = {
    # Meaning and units of the columns: the functions of the same names in themis.analysis.
    "accuracy": _schema(
        "model by group method",
        "n wins ties losses missing absent",
        "strict strict_low strict_high half_credit low high",
        order="by model group n wins ties losses missing absent strict strict_low strict_high half_credit low high method",
    ),
    "ranks": _schema("model group", numbers="accuracy rank low high"),
    "comparisons": _schema("first second group", "n prompts", "difference", "low high statistic p p_holm"),
    "calibration": _schema("model", "n", maybe="temperature nll ece nll_scaled ece_scaled"),
    "reliability": pa.schema(
        [
            pa.field("model", _TEXT, nullable=False),
            pa.field("scaled", _TRUTH, nullable=False),
            pa.field("bin", _COUNT, nullable=False),
            pa.field("low", _NUMBER, nullable=False),
            pa.field("high", _NUMBER, nullable=False),
            pa.field("n", _COUNT, nullable=False),
            pa.field("confidence", _NUMBER, nullable=False),
            pa.field("accuracy", _NUMBER, nullable=False),
        ]
    ),
    "resolution": pa.schema(
        [
            pa.field("model", _TEXT, nullable=False),
            pa.field("kind", _TEXT, nullable=False),  # scalar | generative | baseline | unknown
            pa.field("scores", _COUNT, nullable=False),
            pa.field("distinct", _COUNT, nullable=False),
            *(
                pa.field(name, _NUMBER)
                for name in ("distinct_share", "commonest_share", "tie_rate", "missing_rate", "least", "greatest")
            ),
            pa.field("out_of_range", _COUNT),
        ]
    ),
    "agreement": _schema("first second", "n", maybe="agree kappa"),
    "criteria_correlation": _schema("first second", "models", maybe="rho low high"),
    "length_bias": _schema(
        "model group",
        "longer equal shorter",
        maybe="accuracy_longer accuracy_shorter controlled low high bias correlation",
    ),
    "cells": _schema("model aspect language", "n", "half_credit low high"),
    # Accuracy under each perturbation; no measure of the benchmark's own scores.
    "robustness": _schema(
        "model perturbation kind side reasons",
        "n missing not_applicable",
        maybe="strict strict_low strict_high half_credit low high plain_strict plain_half_credit change change_low "
        "change_high flip_rate flip_low flip_high lost_rate chosen_shift chosen_shift_low chosen_shift_high "
        "rejected_shift rejected_shift_low rejected_shift_high spread",
        order="model perturbation kind side n missing not_applicable reasons strict strict_low strict_high half_credit "
        "low high plain_strict plain_half_credit change change_low change_high flip_rate flip_low flip_high lost_rate "
        "chosen_shift chosen_shift_low chosen_shift_high rejected_shift rejected_shift_low rejected_shift_high spread",
    ),
    # What importing runs found out about each of them.
    "findings": pa.schema(
        [
            pa.field("run", _TEXT, nullable=False),
            pa.field("severity", _TEXT, nullable=False),  # refused: the run is left out | note: it is not
            pa.field("check", _TEXT, nullable=False),
            pa.field("rows", _COUNT, nullable=False),
            pa.field("detail", _TEXT, nullable=False),
        ]
    ),
}

# The tables that `themis measure` writes, in the order it makes them.
MEASURES: tuple[str, ...] = tuple(name for name in MEASURE_SCHEMAS if name not in ("findings", "robustness"))
