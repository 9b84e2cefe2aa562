"""Splits without a repository in common: repositories that share a commit go to the same one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import pyarrow as pa

from themis import chance
from themis.mine.database import fill

if TYPE_CHECKING:
    import duckdb
    import numpy as np

# Repositories are numbered in the order of their names, so that a component's smallest number is its smallest name.
_REPOSITORIES = """
CREATE TABLE repositories AS
SELECT name, (row_number() OVER (ORDER BY name) - 1)::INTEGER AS number
FROM (
  SELECT unnest(repositories) AS name FROM mined UNION SELECT repo_name FROM forks UNION SELECT other FROM forks
)
"""
_CONNECTIONS = """
WITH pairs AS (
  SELECT repository AS one, unnest(repositories) AS other FROM mined WHERE len(repositories) > 1
  UNION
  SELECT repo_name, other FROM forks
)
SELECT a.number AS one, b.number AS other
FROM pairs AS p JOIN repositories AS a ON a.name = p.one JOIN repositories AS b ON b.name = p.other
"""
_WINDOWS = """
CREATE TABLE windows AS
SELECT component, bool_or(in_train) AS in_train, bool_or(in_benchmark) AS in_benchmark
FROM judged WHERE reason IS NULL GROUP BY component
"""
_BOTH = """
SELECT r.name FROM windows AS w JOIN repositories AS r ON r.number = w.component
WHERE w.in_train AND w.in_benchmark ORDER BY r.name
"""
_SPLITS = """
CREATE TABLE splits AS
SELECT w.component, CASE WHEN c.name IS NOT NULL OR NOT w.in_train THEN 'benchmark' ELSE 'train' END AS split
FROM windows AS w JOIN repositories AS r ON r.number = w.component LEFT JOIN chosen AS c ON c.name = r.name
"""


def connect(connection: duckdb.DuckDBPyConnection) -> None:
    """From the tables mined and forks the table components: the name of every repository, and its component's number."""
    connection.execute(_REPOSITORIES)
    ((count,),) = connection.sql("SELECT count(*) FROM repositories").fetchall()
    ends = connection.sql(_CONNECTIONS).fetchnumpy()
    smallest = pa.array(components(count, ends["one"], ends["other"]))
    fill(connection, "numbers", {"number": pa.array(range(count), pa.int32()), "component": smallest})
    connection.execute(
        "CREATE TABLE components AS SELECT name, component FROM repositories JOIN numbers USING (number)"
    )


def split(connection: duckdb.DuckDBPyConnection, benchmark_share: float, seed: int) -> None:
    """From the table judged the table splits: train or benchmark for every component that has rows without a reason.

    A component with rows in one window only goes to that split.
    """
    connection.execute(_WINDOWS)
    both = [name for (name,) in connection.sql(_BOTH).fetchall()]
    fill(connection, "chosen", {"name": pa.array(for_benchmark(both, benchmark_share, seed), pa.string())})
    connection.execute(_SPLITS)


def components(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """For each of the repositories 0 to `count` - 1 the smallest that it is connected to, of shape (count,).

    `one` and `other` are the two ends of the connections.
    """
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(count, count))
    number, labels = connected_components(graph, directed=False)
    smallest = np.full(number, count, np.int32)
    np.minimum.at(smallest, labels, np.arange(count, dtype=np.int32))
    return smallest[labels]


def for_benchmark(both: Sequence[str], share: float, seed: int) -> list[str]:
    """Of n components with commits in both windows the ceil(share * n) first in an order hashed from the seed."""
    chosen = chance.order(seed, "split", both)[: math.ceil(Fraction(str(share)) * len(both))]
    return [both[i] for i in chosen]
