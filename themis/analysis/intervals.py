"""Intervals of accuracies: Wilson's, at the effective size of pairs that share a prompt, and the cluster bootstrap."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from themis import chance

Z = 1.959963984540054  # the 97.5% quantile of the normal distribution: every interval here is a 95% interval
RESAMPLES = 10_000
_CHUNK = 200


class Estimate(NamedTuple):
    """A value with the ends of its 95% interval."""

    value: float
    low: float
    high: float


def wilson(successes: float, n: float, z: float = Z) -> tuple[float, float]:
    """Ends of Wilson's score interval for `successes` of `n` (Wilson 1927); not a number where n is 0.

    Successes need not be whole: the mean of values in [0, 1] varies at most as a proportion does, so with half credits
    the interval is, if anything, too wide.
    """
    if n <= 0:
        return math.nan, math.nan
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def effective_size(values: np.ndarray, clusters: np.ndarray) -> float:
    """How many independent values in [0, 1] tell as much as these, of which those of one cluster may resemble each other.

    n over Kish's design effect (variance of the mean between clusters over p(1-p)/n), which is taken to be at least 1;
    n where every cluster has one value, and the number of clusters where the values do not vary.
    """
    return float(effective_sizes(np.asarray(values, dtype=float)[:, None], clusters)[0])


def effective_sizes(values: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """The effective size of every column of `values` [n, columns]."""
    sums, sizes = cluster_totals(values, clusters)
    n, members = values.shape[0], len(sizes)
    if not n or members == n:
        return np.full(values.shape[1], float(n))
    share = sums.sum(axis=0) / n
    between = np.square(sums - np.outer(sizes, share)).sum(axis=0) / (n * n)
    spread = share * (1 - share) / n
    effect = np.divide(between, spread, out=np.ones_like(between), where=spread > 0)
    return np.where(spread > 0, n / np.maximum(1.0, effect), members)


def clustered_wilson(values: np.ndarray, clusters: np.ndarray) -> Estimate:
    """The mean of values in [0, 1] and Wilson's interval at their effective size."""
    values = np.asarray(values, dtype=float)
    if not len(values):
        return Estimate(math.nan, math.nan, math.nan)
    size = effective_size(values, clusters)
    mean = float(values.mean())
    return Estimate(mean, *wilson(mean * size, size))


def resampled_means(
    values: np.ndarray, clusters: np.ndarray, generator: np.random.Generator, resamples: int = RESAMPLES
) -> np.ndarray:
    """Means of whole clusters drawn with replacement: [resamples, columns] from values [rows, columns].

    All columns are resampled together, so columns can be compared draw by draw. Neither the order of the rows nor the
    number of threads matters: sums of whole and half credits are exact in single precision.
    """
    exact = bool(np.all(values * 2 == np.round(values * 2)) and np.abs(values).sum(axis=0).max(initial=0) < 2**22)
    kind = np.float32 if exact else np.float64
    sums, sizes = cluster_totals(values, clusters)
    weighted = np.column_stack([sums, sizes]).astype(kind)
    members = len(sizes)
    means = np.empty((resamples, values.shape[1]))
    for start in range(0, resamples, _CHUNK):
        draws = min(_CHUNK, resamples - start)
        drawn = generator.integers(0, members, size=(draws, members), dtype=np.int64)
        drawn += members * np.arange(draws)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=draws * members).reshape(draws, members).astype(kind)
        totals = (weights @ weighted).astype(float)
        means[start : start + draws] = totals[:, :-1] / totals[:, -1:]
    return means


def cluster_bootstrap(
    values: np.ndarray, clusters: np.ndarray, seed: int, purpose: str = "mean", resamples: int = RESAMPLES
) -> Estimate:
    """The mean with its percentile interval, whole clusters resampled."""
    values = np.asarray(values, dtype=float)
    draws = resampled_means(values[:, None], clusters, generator(seed, purpose), resamples)[:, 0]
    return Estimate(float(values.mean()), *percentiles(draws))


def paired_difference(
    first: np.ndarray, second: np.ndarray, clusters: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> Estimate:
    """Mean of first - second over the same pairs, with its percentile interval: both models resampled together."""
    difference = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    return cluster_bootstrap(difference, clusters, seed, "paired difference", resamples)


def percentiles(draws: np.ndarray) -> tuple[float, float]:
    """The 2.5% and 97.5% quantiles of draws [resamples]."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def generator(seed: int, purpose: str) -> np.random.Generator:
    """A generator that depends on nothing but the seed and what it is for."""
    return np.random.default_rng(chance.digest(seed, "bootstrap", purpose))


def cluster_totals(values: np.ndarray, clusters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums [clusters, columns] of values [rows, columns], and sizes [clusters]; clusters in the order of their names."""
    names, place = np.unique(np.asarray(clusters), return_inverse=True)
    sizes = np.bincount(place, minlength=len(names)).astype(float)
    if len(names) == len(place):
        return np.asarray(values, dtype=float)[np.argsort(place)], sizes
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, place, values)
    return sums, sizes
