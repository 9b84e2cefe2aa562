"""Problems stated for programs that come without one, so that their pairs get a prompt (paper appendix B.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa

from themis.generation.protocol import Generator, Request
from themis.llm.asking import Row, answered
from themis.llm.model import Sampling
from themis.prompting.recovering import problem_request, read_problem
from themis.records import SCHEMAS
from themis.records.shards import in_shard
from themis.vocabulary import LANGUAGES


def recover(
    collection: Iterable[pa.Table],
    generator: Generator,
    *,
    sampling: Sampling,
    counts: Counter[str],
    shard: int = 0,
    shards: int = 1,
) -> Iterator[pa.Table]:
    """The shard's rows of a collection, in parts; the input of those without one is the problem that chosen solves.

    Prose (language NL) solves none and stays as it is. Where the model states no problem the input stays null, for the
    filters to drop. `counts` gets the pairs, those that had a prompt, those recovered, and how many not for which
    reason. Raises Problem for a shard that is none.
    """

    rows = (
        row
        for table in collection
        for row in table.filter(in_shard(table["idx"].to_pylist(), shard, shards)).to_pylist()
    )

    def requests(row: Row) -> list[Request]:
        if _has_prompt(row) or row["language"] not in LANGUAGES:
            return []
        options = sampling.of("problem", row["idx"])
        return [problem_request(row["idx"], code=row["chosen"], language=row["language"], **options)]

    for part in answered(rows, requests, generator, "problems"):
        for row, asked in part:
            counts["pairs"] += 1
            counts["had_prompt"] += _has_prompt(row)
            if asked:
                reading = read_problem(asked[0][1], asked[0][0])
                row["input"] = reading.value
                counts["recovered" if reading.value else f"missing: {reading.why}"] += 1
        yield pa.Table.from_pylist([row for row, _ in part], schema=SCHEMAS["collection"])


def _has_prompt(row: Row) -> bool:
    return bool(row["input"] and row["input"].strip())
