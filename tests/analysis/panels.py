"""Panels of scores that tests of measures make up."""

from __future__ import annotations

import numpy as np

from themis.analysis.panel import OUTCOMES, Panel

CREDIT = {"win": 1.0, "tie": 0.5, "loss": 0.0, "missing": 0.0}


def panel_of(chosen, rejected, cluster=None, **labels):
    """A panel of scores [P, M]; a pair without both scores is missing."""
    chosen, rejected = np.array(chosen, dtype=float), np.array(rejected, dtype=float)
    known = ~(np.isnan(chosen) | np.isnan(rejected))
    kinds = [known & (chosen > rejected), known & (chosen == rejected), known & (chosen < rejected)]
    pairs, models = chosen.shape
    return Panel(
        models=tuple(f"m{place}" for place in range(models)),
        ids=tuple(f"{place:05d}" for place in range(pairs)),
        cluster=np.arange(pairs) if cluster is None else cluster,
        outcome=np.select(kinds, [0, 1, 2], 3).astype(np.int8),
        absent=np.zeros(chosen.shape, dtype=bool),
        chosen=chosen,
        rejected=rejected,
        labels={"aspect": np.array(["a"] * pairs), "language": np.array(["Go"] * pairs), **labels},
    )


def drawn(pairs=240, models=5, seed=0, missing=0.05):
    """Coarse scores of models from poor to good, with ties and gaps, in two criteria and three languages, two a prompt."""
    source = np.random.default_rng(seed)
    chosen = np.round(source.normal(np.linspace(0.1, 1.5, models), 1, (pairs, models)), 1)
    rejected = np.round(source.normal(0, 1, (pairs, models)), 1)
    for side in (chosen, rejected):
        side[source.random(side.shape) < missing] = np.nan
    aspect = np.array(["functional_correctness", "security_hardness"])[source.integers(0, 2, pairs)]
    language = np.array(["C", "Go", "Python"])[source.integers(0, 3, pairs)]
    return panel_of(chosen, rejected, np.arange(pairs) // 2, aspect=aspect, language=language)


def credit(data, model):
    return np.array([CREDIT[OUTCOMES[code]] for code in data.outcome[:, model]])
