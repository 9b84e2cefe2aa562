"""The published system's mining query, as its facts have it, and how its rows differ from ours on the same tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from themis.mine.database import database
from themis.mine.query import like_none, lines, literal, mining_query, render
from themis.mine.warehouse import DuckDB
from themis.vocabulary import LICENSES, MINED_LANGUAGES

_COMPARE = """
WITH
published AS (SELECT "commit", old_file AS path, count(*) AS n FROM read_parquet($published) GROUP BY ALL),
judged AS (SELECT DISTINCT ON ("commit") * FROM read_parquet($verdicts)),
paired AS (
  SELECT p.n, j.reason, j.message, j.path IS NOT DISTINCT FROM p.path AND j.reason IS NULL AS ours
  FROM published AS p JOIN judged AS j USING ("commit")
),
alone AS (SELECT j.message FROM judged AS j ANTI JOIN published AS p USING ("commit", path) WHERE j.reason IS NULL)
SELECT 1 AS place, 'rows of the published query' AS what, coalesce(sum(n), 0) AS n FROM published
UNION ALL SELECT 2, 'rows of this query', count(*) FROM judged WHERE reason IS NULL
UNION ALL SELECT 3, 'in both', count(*) FROM paired WHERE ours
UNION ALL SELECT 4, 'only published: again, under another licence', coalesce(sum(n - 1), 0) FROM paired WHERE ours
UNION ALL SELECT 5, 'only published: ' || reason, sum(n) FROM paired WHERE NOT ours GROUP BY reason
UNION ALL SELECT 6, 'only this: ' || {why}, count(*) FROM alone GROUP BY ALL
ORDER BY place, what
"""


def published_query(dataset: str = "") -> str:
    """BigQuery SQL whose result is the published query's: commit, subject, message, repos, license, old_file, new_file,
    unix_time.

    There is a row for every file of a commit that keeps its name, and again for every licence of the commit's
    repositories; no message is trimmed, no difference is checked for being cut off, and bots count.
    Source: protocol 1.1. Only the order within `repos` is ours: the published one has none.
    """
    return render(
        "published.sql.j2",
        dataset,
        licenses=[literal(key) for keys in LICENSES.values() for key in keys],
        languages=[literal(name) for name in MINED_LANGUAGES],
        rules=_rules(),
    )


def compare(
    warehouse: DuckDB,
    work: Path,
    *,
    licenses: Sequence[str],
    languages: Sequence[str],
    min_message: int,
    max_message: int,
) -> list[tuple[str, int]]:
    """What the rows of both queries have in common and why each has others, as (what, rows).

    A row that only the published query has is counted under the reason for which ours drops its commit, a row that only
    ours has under the published rule that it breaks. Published rows = in both + only published; ours likewise.
    """
    import sqlglot

    ours = mining_query(licenses, languages, min_message, max_message, dataset=warehouse.dataset, verdicts=True)
    cases = " ".join(f"WHEN ({rule}) IS NOT TRUE THEN {literal(reason)}" for reason, rule in _rules("message"))
    why = sqlglot.transpile(f"CASE {cases} ELSE 'repository' END", read="bigquery", write="duckdb")[0]
    with (
        warehouse.run(published_query(warehouse.dataset), work) as published,
        warehouse.run(ours, work) as verdicts,
        database(Path(work) / "comparison") as connection,
    ):
        found = connection.execute(
            _COMPARE.format(why=why), {"published": list(map(str, published)), "verdicts": list(map(str, verdicts))}
        )
        return [(what, int(rows)) for _, what, rows in found.fetchall()]


def _rules(message: str = "c.message") -> list[tuple[str, str]]:
    """What the published query asks of a message, with a name for each."""
    blocked = ", ".join(map(literal, lines("published_blocklist.txt")))
    patterns = ("%pi push%", "%push pi%", "merge%")
    return [
        ("message length", f"CHAR_LENGTH({message}) > 10 AND CHAR_LENGTH({message}) < 15000"),
        ("message pattern", like_none(f"LOWER({message})", patterns)),
        ("block list", f"LOWER({message}) NOT IN ({blocked})"),
    ]
