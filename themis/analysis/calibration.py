"""Do reward differences mean what Bradley and Terry say, the log odds that the first response is the better?"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.optimize import minimize_scalar
from scipy.special import expit

from themis import chance
from themis.analysis.panel import OUTCOMES, Panel

BINS = 10
_LOG_REACH = (-12.0, 24.0)  # natural logarithms of the temperatures that are tried


def calibration(data: Panel, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Calibration of every model over its scored pairs, and the reliability curve behind it.

    The first table has model, n, temperature, nll, ece, nll_scaled and ece_scaled. With margin m = chosen - rejected,
    sigma(m) is the probability given to the chosen response: nll is the mean of -log sigma(m) in nats, ece the expected
    calibration error over ten bins of the confidence sigma(|m|) in [1/2, 1], weighted by their pairs. `scaled` is the
    same for m / T, T fitted by maximum likelihood on the other half of the pairs (halves by a hash of the id), so that no
    pair judges its own fit; temperature is the geometric mean of the two. A temperature at the upper end of the search
    means that the margins say nothing. The second table has model, scaled, bin, low, high, n, confidence and accuracy (a
    tie counts half; empty bins are left out).
    """
    half = np.array([chance.digest(seed, "calibration", row) % 2 for row in data.ids])
    rows, curves = [], []
    for place, model in enumerate(data.models):
        scored = data.outcome[:, place] != OUTCOMES.index("missing")
        margin = (data.chosen[:, place] - data.rejected[:, place])[scored]
        sides = half[scored]
        if not len(margin) or len(np.unique(sides)) < 2:
            rows.append((model, len(margin), *[None] * 5))
            continue
        fitted = [fit_temperature(margin[sides != side]) for side in (0, 1)]
        scaled = margin / np.where(sides == 0, *fitted)
        plain_ece, plain = _reliability(model, margin, scaled=False)
        fitted_ece, fits = _reliability(model, scaled, scaled=True)
        curves += plain + fits
        rows.append(
            (
                model,
                len(margin),
                float(np.sqrt(fitted[0] * fitted[1])),
                _nll(margin),
                plain_ece,
                _nll(scaled),
                fitted_ece,
            )
        )
    names = ("model", "n", "temperature", "nll", "ece", "nll_scaled", "ece_scaled")
    kinds = {"model": pl.String, "n": pl.Int64} | dict.fromkeys(names[2:], pl.Float64)
    bins = {"model": pl.String, "scaled": pl.Boolean, "bin": pl.Int64} | {
        "low": pl.Float64, "high": pl.Float64, "n": pl.Int64, "confidence": pl.Float64, "accuracy": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=kinds, orient="row"), pl.DataFrame(curves, schema=bins, orient="row")


def fit_temperature(margin: np.ndarray) -> float:
    """The T that makes the mean of -log sigma(margin / T) least, within the limits of the search."""
    found = minimize_scalar(
        lambda log: _nll(margin / np.exp(log)), bounds=_LOG_REACH, method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(found.x))


def _nll(margin: np.ndarray) -> float:
    return float(np.logaddexp(0.0, -margin).mean())


def _reliability(model: str, margin: np.ndarray, *, scaled: bool) -> tuple[float, list[tuple]]:
    confidence = expit(np.abs(margin))
    credit = (margin > 0) + 0.5 * (margin == 0)
    edges = np.linspace(0.5, 1.0, BINS + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, BINS - 1)
    count = np.bincount(place, minlength=BINS)
    sure, right = (np.bincount(place, weights=values, minlength=BINS) for values in (confidence, credit))
    error = float(np.abs(right - sure).sum() / len(margin))
    rows = [
        (model, scaled, b, float(edges[b]), float(edges[b + 1]), int(count[b]), sure[b] / count[b], right[b] / count[b])
        for b in range(BINS)
        if count[b]
    ]
    return error, rows
