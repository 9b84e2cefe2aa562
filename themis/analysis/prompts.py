"""Which pairs share a prompt, where a benchmark's texts are not at hand: those whose responses get the same scores."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from themis.analysis.panel import Panel, panel

_WITNESSES = 5
_FINE = 0.95  # share of distinct scores from which a model tells responses apart
_FEW = 0.999  # from which it tells copies apart too, by the noise of padded batches


def shared_prompts(data: Panel) -> np.ndarray:
    """[P] numbers of clusters: pairs that share a response, and so a prompt, are in one; by default each is alone.

    A reward model that is deterministic gives one response one score. Two responses that get the same score by all of
    the five models with the fewest, yet at least 95%, distinct scores are taken for one (models whose scores are all
    distinct would tell copies apart by rounding noise). Pairs that share a response are joined, transitively. Source:
    protocol section 4, which finds 202 such groups among the published scores.
    """
    pairs = len(data.ids)
    witnesses = _witnesses(data)
    if len(witnesses) < _WITNESSES:
        return np.arange(pairs)
    scores = np.concatenate([data.chosen[:, witnesses], data.rejected[:, witnesses]])
    known = ~np.isnan(scores).any(axis=1)
    response = np.arange(2 * pairs)
    _, same = np.unique(scores[known], axis=0, return_inverse=True)
    first = np.flatnonzero(known)[np.unique(same, return_index=True)[1]]
    response[known] = first[same.ravel()]
    links = coo_matrix((np.ones(2 * pairs), (np.tile(np.arange(pairs), 2), response)), shape=(pairs, 2 * pairs)).tocsr()
    bipartite = coo_matrix(links @ links.T)
    _, cluster = connected_components(bipartite, directed=False)
    return cluster


def with_shared_prompts(scores: pl.DataFrame) -> pl.DataFrame:
    """`scores`, every model on the same pairs, with the column `cluster` from `shared_prompts`."""
    data = panel(scores.with_columns(cluster=pl.col("id").rank("dense").cast(pl.Int64)))
    clusters = pl.DataFrame({"id": data.ids, "cluster": shared_prompts(data)}, schema_overrides={"cluster": pl.Int64})
    return scores.join(clusters, on="id", how="left", maintain_order="left")


def _witnesses(data: Panel) -> list[int]:
    """Columns of the models that recognise a response they have seen."""
    found = []
    for place, model in enumerate(data.models):
        scores = np.concatenate([data.chosen[:, place], data.rejected[:, place]])
        scores = scores[~np.isnan(scores)]
        distinct = len(np.unique(scores)) / max(1, 2 * len(data.ids))
        if _FINE <= distinct < _FEW:
            found.append((distinct, model, place))
    return [place for _, _, place in sorted(found)[:_WITNESSES]]
