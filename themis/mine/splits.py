"""Splits without a repository in common: repositories that share a commit go to the same one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from themis import chance


def components(groups: Iterable[Sequence[str]]) -> dict[str, str]:
    """For every repository the smallest name among those it is connected to; a group's members are connected."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    groups = [group for group in groups if group]
    names = sorted({name for group in groups for name in group})
    place = {name: i for i, name in enumerate(names)}
    edges = np.array([(place[group[0]], place[name]) for group in groups for name in group]).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(names), len(names)))
    _, labels = connected_components(graph, directed=False)
    smallest: dict[int, str] = {}
    for name, label in zip(names, labels.tolist(), strict=True):
        smallest.setdefault(label, name)
    return {name: smallest[label] for name, label in zip(names, labels.tolist(), strict=True)}


def assign(windows: Mapping[str, tuple[bool, bool]], benchmark_share: float, seed: int) -> dict[str, str]:
    """train or benchmark for every component, by whether it has commits in the (training, benchmark) window.

    Of n components with both, the first ceil(share * n) in an order hashed from the seed go to the benchmark.
    """
    both = [name for name, (train, benchmark) in windows.items() if train and benchmark]
    both = [both[i] for i in chance.order(seed, "split", both)]
    chosen = set(both[: math.ceil(Fraction(str(benchmark_share)) * len(both))])
    return {
        name: "benchmark" if name in chosen or (benchmark and not train) else "train"
        for name, (train, benchmark) in windows.items()
    }
