"""Import runs scored elsewhere: a folder per model with per-sample scores, checked and reported run by run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from themis.errors import Problem
from themis.progress import track
from themis.records import Ledger, read, write
from themis.registry import in_order, reference_model
from themis.score.findings import Findings
from themis.score.recount import differences
from themis.score.run_files import LABELS, SIDES, Fault, Run, read_runs
from themis.vocabulary import ABSENT

NOT_A_NUMBER, INFINITE = "score is not a number", "score is infinite"


def import_runs(
    source: Path, out: Path, findings: Path, ledger: Path, *, name: str, benchmark: Path | None = None
) -> list[str]:
    """Write OUT/<model>.parquet (schema "scores") for every sound run below `source`, and return the models in order.

    The pairs are those of `benchmark`, a table of that schema, or else of the set of ids that most runs share (of two
    such sets, the larger). Every run gets a row per pair: one it lacks, or whose score is no finite number, is missing
    with its reason. A run with a fault (unreadable, a column missing, an id twice, pairs of another benchmark, other
    labels) is left out; `findings` says why, and the ledger counts its pairs as dropped. Raises Problem where no run is
    sound, the benchmark lists an id twice, or OUT holds tables of other runs, which would be taken for these.
    """
    found = Findings()
    runs = read_runs(source, found)
    pairs = _pairs(runs, benchmark)
    account = Ledger("import")
    tables: dict[str, pl.DataFrame] = {}
    for run in track(runs, "import", len(runs), "run"):
        fault = run.fault or _mismatch(run, pairs)
        if fault:
            found.refuse(run.name, *fault)
            account.drop(f"run refused: {fault[0]}", run.name, pairs.height)
            continue
        table = _scores(run, pairs, name)
        _notes(run, table, found)
        reasons = Counter(table["missing_reason"].drop_nulls().to_list())
        account.keep(run.name, table.height - reasons.total())
        for reason, rows in reasons.items():
            account.drop(reason, run.name, rows)
        tables[run.name] = table
    if not tables:
        faults = [f"{run}: {detail}" for run, severity, _, _, detail in found.rows if severity == "refused"]
        raise Problem(f"{source}: no run can be used ({' '.join('; '.join(faults[:3]).split())})")
    if others := sorted({path.stem for path in Path(out).glob("*.parquet")} - set(tables)):
        raise Problem(f"{out}: holds {others[0]}.parquet, which is none of the runs; remove the folder and try again")
    known = [] if benchmark is None else [benchmark]
    for run in runs:
        if run.name in tables:
            path = Path(out) / f"{run.name}.parquet"
            write(tables[run.name].to_arrow(), path, "scores", inputs=[*run.files, *known])
    inputs = [path for run in runs for path in run.files if path.name != "results.json"]
    write(found.table().to_arrow(), findings, "findings", inputs=inputs)
    account.write(ledger, inputs=inputs)
    return in_order(tables)


def _pairs(runs: Sequence[Run], benchmark: Path | None) -> pl.DataFrame:
    """The pairs (id, aspect, language, subset) every run is held to, by id."""
    if benchmark is not None:
        pairs = pl.DataFrame(read(benchmark, "benchmark", ["id", *LABELS])).sort("id")
        if pairs["id"].n_unique() < pairs.height:
            raise Problem(f"{benchmark}: id {pairs.filter(pl.col('id').is_duplicated())['id'][0]} comes twice")
        return pairs
    sound = [run.scores for run in runs if run.fault is None]
    if not sound:
        return pl.DataFrame(schema=dict.fromkeys(("id", *LABELS), pl.String))
    sets = Counter(tuple(scores["id"].to_list()) for scores in sound)
    most = max(sets.values())
    ids = max((ids for ids, count in sets.items() if count == most), key=len)
    # Labels are the commonest among the runs that list exactly these pairs.
    alike = [scores.select("id", *LABELS) for scores in sound if tuple(scores["id"].to_list()) == ids]
    votes = Counter(table.write_csv() for table in alike)
    commonest = votes.most_common(1)[0][0]
    return next(table for table in alike if table.write_csv() == commonest)


def _mismatch(run: Run, pairs: pl.DataFrame) -> Fault | None:
    """What makes a readable run one of another benchmark."""
    strange = run.scores.join(pairs, on="id", how="anti")["id"].sort()
    if len(strange):
        return "unknown ids", len(strange), f"{len(strange)} ids are not of the benchmark, such as {strange[0]}"
    both = run.scores.join(pairs, on="id", how="inner", suffix="_expected").sort("id")
    for label in LABELS:
        other = both.filter(pl.col(label) != pl.col(f"{label}_expected"))
        if other.height:
            first = other.row(0, named=True)
            said = f"{first['id']} is {first[label]}, not {first[f'{label}_expected']}"
            return f"other {label}", other.height, f"{other.height} pairs have another {label} than expected: {said}"
    return None


def _scores(run: Run, pairs: pl.DataFrame, name: str) -> pl.DataFrame:
    """The run as a table of schema "scores"."""
    joined = pairs.join(
        run.scores.select("id", *SIDES, present=True),
        on="id",
        how="left",
        maintain_order="left",
    )
    sides = chosen, rejected = [pl.col(side) for side in SIDES]
    reason = (
        pl.when(pl.col("present").is_null()).then(pl.lit(ABSENT))
        .when(pl.any_horizontal(side.is_null() | side.is_nan() for side in sides)).then(pl.lit(NOT_A_NUMBER))
        .when(pl.any_horizontal(side.is_infinite() for side in sides)).then(pl.lit(INFINITE))
    )  # fmt: skip
    outcome = (
        pl.when(pl.col("missing_reason").is_not_null()).then(pl.lit("missing"))
        .when(chosen > rejected).then(pl.lit("win"))
        .when(chosen == rejected).then(pl.lit("tie"))
        .otherwise(pl.lit("loss"))
    )  # fmt: skip
    scored = pl.col("missing_reason").is_null()
    return (
        joined.with_columns(missing_reason=reason)
        .with_columns(outcome=outcome)
        .select(
            pl.lit(run.name).alias("model"),
            pl.lit(name).alias("benchmark"),
            "id",
            *(pl.when(scored).then(side) for side in sides),
            "outcome",
            "missing_reason",
            pl.lit(None, pl.Boolean).alias("truncated"),
            pl.lit("imported").alias("prompt_mode"),
            *LABELS,
        )
    )


def _notes(run: Run, table: pl.DataFrame, found: Findings) -> None:
    """Note what a reader of a sound run must know."""
    lacking = table.filter(pl.col("missing_reason") == ABSENT)["id"].to_list()
    if lacking:
        found.note(run.name, "missing rows", len(lacking), f"the run lacks {', '.join(lacking[:4])}")
    chosen, rejected = (run.scores[side].to_numpy() for side in SIDES)
    for side, scores in zip(SIDES, (chosen, rejected), strict=True):
        for check, bad in ((NOT_A_NUMBER, np.isnan(scores)), (INFINITE, np.isinf(scores))):
            if bad.any():
                found.note(run.name, check, int(bad.sum()), f"{side}: {int(bad.sum())} of {len(scores)}")
    limits = reference_model(run.name).range
    if limits is not None:
        low, high = limits
        scores = np.concatenate([chosen, rejected])
        outside = scores[np.isfinite(scores) & ((scores < low) | (scores > high))]
        if len(outside):
            extent = f"{outside.min():,.10g} to {outside.max():,.10g}"
            said = f"{len(outside)} scores are outside {low:g} to {high:g}: {extent}"
            found.note(run.name, "out of range", len(outside), said)
    if "correct" in run.scores.columns:
        wrong = run.scores.filter(pl.col("correct") != pl.Series(chosen > rejected))["id"]
        if len(wrong):
            found.note(run.name, "column correct", len(wrong), f"it contradicts the scores of {wrong[0]}")
    if run.printed is not None:
        wrong_numbers = differences(run.scores, run.printed)
        if wrong_numbers:
            said = "; ".join(wrong_numbers[:3])
            found.note(run.name, "results.json", len(wrong_numbers), f"not what the scores give: {said}")
