"""One model's scores for the candidates of a re-ranking set: each gets a score or a reason why not, and is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from themis.errors import Problem
from themis.progress import bar
from themis.records import SCHEMAS, read, write
from themis.score.families import scorer_for
from themis.score.manifest import Manifest, manifest_of, manifest_path, write_manifest
from themis.score.missing import ledger_of, reasons_of
from themis.score.options import ScorerOptions
from themis.score.protocol import Pair, PairScore, Scorer
from themis.vocabulary import Criterion

COMPARING = ("judge",)  # families that score a response beside another one, not by itself


def rerank(
    candidates: Path,
    out: Path,
    ledger: Path,
    *,
    name: str,
    family: str,
    checkpoint: Path | None = None,
    hub: str | None = None,
    revision: str | None = None,
    allow_missing: bool = False,
    **options: Any,
) -> pa.Table:
    """Score the candidates of a table of schema "rerank_set" with one model; `options` as `ScorerOptions` has them.

    Returns the table of schema "rerank" that is written to `out`, by question and id, with its manifest beside it; `hub`
    and `revision` are only recorded. The criterion is functional correctness, which the tests measure. Raises Problem for
    a family that only compares responses, and where a candidate has no score and `allow_missing` is not set; then nothing
    is written.
    """
    if family in COMPARING:
        raise Problem(f"model {name}: family {family} compares two responses; re-ranking needs a score of each")
    given = ScorerOptions(name=name, checkpoint=checkpoint, **options)
    rows = read(candidates, "rerank_set")
    table = rewards_of(scorer_for(family, **vars(given)), rows, name=name, prompt_mode=given.prompt_mode)
    otherwise = None if allow_missing else "ranks them last"
    reasons = reasons_of(table, candidates, name, what="candidates", otherwise=otherwise)
    manifest = _manifest(table, candidates, given, family, hub, revision, reasons)
    write(table, out, "rerank", inputs=[candidates], seed=given.seed, notes={"weights": manifest["weights"] or ""})
    ledger_of(f"rerank-{name}", "candidates", len(table), reasons).write(ledger, inputs=[candidates])
    write_manifest(manifest, manifest_path(out))
    return table


def rewards_of(scorer: Scorer, candidates: pa.Table, *, name: str, prompt_mode: str) -> pa.Table:
    """A row of schema "rerank" for each candidate, sorted by question and id.

    Raises Problem for an empty set and an id that comes twice.
    """
    candidates = candidates.sort_by([("question", "ascending"), ("id", "ascending")])
    rows = candidates.select(["question", "id", "prompt", "completion"]).to_pylist()
    if not rows:
        raise Problem("the re-ranking set holds no candidates")
    if repeated := [row for row, count in Counter(row["id"] for row in rows).items() if count > 1]:
        raise Problem(f"re-ranking set: id {repeated[0]} comes twice")
    rewards = _rewards(scorer, rows, name)
    found = [rewards[row["id"]] for row in rows]
    columns = {
        "model": [name] * len(rows),
        **{label: candidates.column(label) for label in ("question", "language", "id", "passed", "failed", "verdict")},
        "score": [one.chosen for one in found],
        "missing_reason": [one.missing_reason for one in found],
        "truncated": [one.truncated for one in found],
        "prompt_mode": [prompt_mode] * len(rows),
    }
    return pa.table({label: columns[label] for label in SCHEMAS["rerank"].names}, schema=SCHEMAS["rerank"])


def _rewards(scorer: Scorer, rows: Sequence[dict[str, Any]], name: str) -> dict[str, PairScore]:
    """The score of every candidate by its id, as that of a chosen response.

    Two candidates of a question make a pair, neighbours in the order of their texts, which begin alike: a scorer may
    compute that once. What is missing or was cut in a pair is asked for again by itself, so that no candidate pays for
    its neighbour.
    """
    rewards: dict[str, PairScore] = {}
    alone: list[Pair] = []
    with bar(f"rerank {name}", len(rows), "candidate") as shown:
        partners = {pair.id: (pair, other) for pair, other in _pairs(rows)}
        for key, result in scorer.score([pair for pair, _ in partners.values()]):
            pair, other = partners[key]
            if other is not None and (result.missing_reason is not None or result.truncated):
                alone += [_alone(pair.id, pair.prompt, pair.chosen), _alone(other, pair.prompt, pair.rejected)]
                continue
            rewards[pair.id] = result
            if other is not None:
                rewards[other] = PairScore(result.rejected)
            shown.update(1 if other is None else 2)
        if alone:
            for key, result in scorer.score(sorted(alone, key=lambda pair: pair.id)):
                rewards[key] = result
                shown.update()
    if len(rewards) != len(rows):
        raise RuntimeError(f"{type(scorer).__name__} answered {len(rewards)} of {len(rows)} candidates")
    return rewards


def _pairs(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[Pair, str | None]]:
    """Pairs of neighbours under the first one's id, with the second one's; a candidate left over stands beside itself."""
    questions: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        questions.setdefault(row["question"], []).append(row)
    for own in questions.values():
        own.sort(key=lambda row: (row["completion"], row["id"]))
        for first, *rest in (own[at : at + 2] for at in range(0, len(own), 2)):
            if not rest or rest[0]["prompt"] != first["prompt"]:
                yield _alone(first["id"], first["prompt"], first["completion"]), None
                yield from ((_alone(row["id"], row["prompt"], row["completion"]), None) for row in rest)
                continue
            texts = (first["completion"], rest[0]["completion"])
            yield Pair(first["id"], first["prompt"], *texts, Criterion.FUNCTIONAL_CORRECTNESS), rest[0]["id"]


def _alone(row: str, prompt: str, completion: str) -> Pair:
    return Pair(row, prompt, completion, completion, Criterion.FUNCTIONAL_CORRECTNESS)


def _manifest(
    table: pa.Table,
    candidates: Path,
    given: ScorerOptions,
    family: str,
    hub: str | None,
    revision: str | None,
    reasons: Counter[str],
) -> Manifest:
    """That of a table of scores, with the counts of candidates in place of those of pairs."""
    no_pairs = SCHEMAS["scores"].empty_table()
    counts = {
        "candidates": len(table),
        "truncated": sum(table.column("truncated").to_pylist()),
        "missing": dict(sorted(reasons.items())),
    }
    manifest = manifest_of(no_pairs, candidates, given, family=family, hub=hub, revision=revision)
    return {**manifest, "counts": counts}
