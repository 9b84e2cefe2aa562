"""One model on one benchmark: every pair gets a score or a reason why not, and is counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa

from themis.errors import Problem
from themis.progress import track
from themis.records import SCHEMAS, read, write
from themis.records.shards import in_shard
from themis.score.families import scorer_for
from themis.score.manifest import manifest_of, manifest_path, write_manifest
from themis.score.missing import ledger_of, reasons_of
from themis.score.options import ScorerOptions
from themis.score.protocol import Pair, PairScore, Scorer
from themis.vocabulary import Criterion


def score(
    benchmark: Path,
    out: Path,
    ledger: Path,
    *,
    name: str,
    family: str,
    checkpoint: Path | None = None,
    hub: str | None = None,
    revision: str | None = None,
    shard: int = 0,
    shards: int = 1,
    allow_missing: bool = False,
    **options: Any,
) -> pa.Table:
    """Score the pairs of a benchmark that fall to a shard with one model; `options` as `ScorerOptions` has them.

    Returns the table of schema "scores" that is written to `out`, by id, with its manifest beside it; `hub` and
    `revision` are only recorded. Raises Problem where a pair has no score and `allow_missing` is not set; then nothing
    is written.
    """
    given = ScorerOptions(name=name, checkpoint=checkpoint, **options)
    pairs = read(benchmark, "benchmark")
    own = pairs.filter(in_shard(pairs.column("id").to_pylist(), shard, shards))
    if pairs.num_rows and not own.num_rows:
        table = SCHEMAS["scores"].empty_table()
    else:
        scorer = scorer_for(family, **vars(given))
        table = scores_of(scorer, own, name=name, benchmark=benchmark.stem, prompt_mode=given.prompt_mode)
    otherwise = None if allow_missing else "reports them as missing"
    reasons = reasons_of(table, benchmark, name, what="pairs", otherwise=otherwise)
    manifest = manifest_of(
        table, benchmark, given, family=family, hub=hub, revision=revision, shard=shard, shards=shards
    )
    write(table, out, "scores", inputs=[benchmark], seed=given.seed, notes={"weights": manifest["weights"] or ""})
    ledger_of(f"score-{name}", benchmark.stem, len(table), reasons).write(ledger, inputs=[benchmark])
    write_manifest(manifest, manifest_path(out))
    return table


def scores_of(scorer: Scorer, pairs: pa.Table, *, name: str, benchmark: str, prompt_mode: str) -> pa.Table:
    """The scores of a benchmark table's pairs, one row each, sorted by id, as a table of schema "scores".

    Raises Problem for an empty benchmark, a repeated id and an unknown criterion.
    """
    pairs = pairs.sort_by("id")
    ids = pairs.column("id").to_pylist()
    if not ids:
        raise Problem(f"benchmark {benchmark}: it holds no pairs")
    if repeated := [row for row, count in Counter(ids).items() if count > 1]:
        raise Problem(f"benchmark {benchmark}: id {repeated[0]} comes twice")
    scores: dict[str, PairScore] = {}
    for row, result in track(scorer.score(_pairs(pairs, benchmark)), f"score {name}", len(ids), "pair"):
        if row in scores:
            raise RuntimeError(f"{type(scorer).__name__} answered pair {row} twice")
        scores[row] = result
    if scores.keys() != set(ids):
        raise RuntimeError(f"{type(scorer).__name__} answered {len(scores)} of {len(ids)} pairs")
    results = [scores[row] for row in ids]
    columns = {
        "model": [name] * len(ids),
        "benchmark": [benchmark] * len(ids),
        "id": ids,
        "chosen_score": [result.chosen for result in results],
        "rejected_score": [result.rejected for result in results],
        "outcome": [result.outcome for result in results],
        "missing_reason": [result.missing_reason for result in results],
        "truncated": [result.truncated for result in results],
        "prompt_mode": [prompt_mode] * len(ids),
        **{label: pairs.column(label) for label in ("aspect", "language", "subset")},
    }
    return pa.table(columns, schema=SCHEMAS["scores"])


def _pairs(table: pa.Table, benchmark: str) -> list[Pair]:
    known = set(Criterion)
    for aspect in table.column("aspect").unique().to_pylist():
        if aspect not in known:
            raise Problem(f"benchmark {benchmark}: aspect {aspect} is none of {', '.join(Criterion)}")
    columns = (table.column(name).to_pylist() for name in ("id", "prompt", "chosen", "rejected", "aspect"))
    return [
        Pair(row, prompt, chosen, rejected, Criterion(aspect))
        for row, prompt, chosen, rejected, aspect in zip(*columns, strict=True)
    ]
