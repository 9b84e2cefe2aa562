"""Which mined commits other mined commits revert, by their messages: for a warehouse that has no main line to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from themis.mine.database import fill
from themis.mine.reverts import SQUASH, claim_of, undone

if TYPE_CHECKING:
    import duckdb

_CLAIMING = """
SELECT commit, repositories, committed_at, subject, message FROM mined
WHERE contains(lower(message), 'revert') OR starts_with(subject, 'Reapply "')
"""
# An abbreviated hash counts where one commit of the repository begins so.
_BY_HASH = """
SELECT h.claim, min(m.commit) AS target
FROM hashes AS h
JOIN claims AS c ON c.claim = h.claim
JOIN mined AS m ON m.commit[:7] = h.hash[:7] AND starts_with(m.commit, h.hash)
WHERE m.commit <> c.commit AND list_has_any(m.repositories, c.repositories)
GROUP BY h.claim, h.hash
HAVING count(DISTINCT m.commit) = 1
"""
# A request or subject means the latest earlier commit of a repository in common; the request is asked first.
_BY_NAME = f"""
WITH named AS (
  SELECT commit, committed_at, repositories, subject AS name FROM mined
  UNION ALL
  SELECT commit, committed_at, repositories, regexp_extract(subject, '{SQUASH}', 1) AS name FROM mined
),
candidates AS (
  SELECT n.commit, n.committed_at, n.name, unnest(n.repositories) AS repository
  FROM named AS n SEMI JOIN names AS s ON s.name = n.name
),
asked AS (
  SELECT s.claim, s.place, s.name, c.commit, c.committed_at, unnest(c.repositories) AS repository
  FROM names AS s JOIN claims AS c ON c.claim = s.claim
),
found AS (
  SELECT a.claim, a.place, arg_max(t.commit, (t.committed_at, t.commit)) AS target
  FROM asked AS a
  JOIN candidates AS t ON t.name = a.name AND t.repository = a.repository
  WHERE t.commit <> a.commit AND t.committed_at <= a.committed_at
  GROUP BY a.claim, a.place
)
SELECT claim, arg_min(target, place) AS target FROM found GROUP BY claim
"""


def reverted_among(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The mined commits that a mined commit of a repository they share reverts, and that were not restored.

    A revert that is no mined row, such as one of several files, is not seen, and whether it was merged is not asked: a
    commit may be missed or dropped on the word of a fork. `connection` has the view mined and is given the tables
    claims, hashes and names.
    """
    claims, hashes, names = [], [], []
    for batch in connection.sql(_CLAIMING).to_arrow_reader(4096):
        for row in batch.to_pylist():
            claim = claim_of(row["subject"], row["message"])
            if claim is None:
                continue
            number = len(claims)
            claims.append((number, row["commit"], row["committed_at"], row["repositories"]))
            hashes += [(number, commit) for commit, _ in claim.commits]
            names += [(number, place, name) for place, name in enumerate((claim.request, claim.subject)) if name]
    kinds = {
        "claims": (claims, {"claim": pa.int64(), "commit": pa.string(), "committed_at": pa.int64(), "repositories": pa.list_(pa.string())}),
        "hashes": (hashes, {"claim": pa.int64(), "hash": pa.string()}),
        "names": (names, {"claim": pa.int64(), "place": pa.int64(), "name": pa.string()}),
    }  # fmt: skip
    for table, (rows, columns) in kinds.items():
        values = ([row[i] for row in rows] for i in range(len(columns)))
        fill(connection, table, {name: pa.array(next(values), kind) for name, kind in columns.items()})
    targets: dict[int, list[str]] = {}
    for claim, target in [*connection.sql(_BY_HASH).fetchall(), *connection.sql(_BY_NAME).fetchall()]:
        targets.setdefault(claim, []).append(target)
    meant = {target for found in targets.values() for target in found}

    def newest_first(claim: tuple) -> tuple:
        # Of commits of one second, one that is itself reverted is the older.
        return -claim[2], claim[1] in meant, claim[1]

    return undone((commit, targets.get(number, ())) for number, commit, *_ in sorted(claims, key=newest_first))
