"""The code benchmark: commit pairs of its own repositories, HumanEval mutants, and pairs from public benchmark files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from themis import chance
from themis.preferences import balance
from themis.preferences.benchmarks.candidate import Candidate
from themis.preferences.collections.commits import with_instructions
from themis.preferences.collections.pair import NO_LANGUAGE
from themis.preferences.fit import FORGED, TOO_LONG, Fit
from themis.preferences.folder_pairs import folder_pairs
from themis.preferences.humaneval import divide, tasks
from themis.preferences.mutant_pairs import SUBSET, mutant_pairs
from themis.preferences.sieve import Sieve
from themis.progress import track
from themis.prompting.chat import Chat
from themis.prompting.criteria import system_prompt
from themis.records import SCHEMAS, Ledger
from themis.vocabulary import CODE_CRITERIA, Criterion

# The subset names of the published benchmark (protocol section 4).
COMMIT_SUBSETS = {
    Criterion.FUNCTIONAL_CORRECTNESS: "COMMITPREFS_FUNCTIONAL",
    Criterion.RUNTIME_EFFICIENCY: "COMMITPREFS_RUNTIME",
    Criterion.MEMORY_EFFICIENCY: "COMMITPREFS_MEMORY",
    Criterion.SECURITY_HARDNESS: "COMMITPREFS_SECURITY",
    Criterion.READABILITY_MAINTAINABILITY: "COMMITPREFS_READABILITY",
}
_COLUMNS = SCHEMAS["benchmark"].names


def build_benchmark(
    accepted: pa.Table,
    instructions: pa.Table,
    chat: Chat,
    *,
    max_tokens: int,
    humaneval_problems: int,
    timeout_s: float,
    memory_mb: int,
    folder: Path | None,
    pairs_per_subset: int,
    balance_within: Sequence[str] = (),
    seed: int,
    ledger: Ledger,
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """The benchmark table, sorted by id; its metrics: how many mutants were run, killed, survived; and its lengths table.

    Drops are counted in the ledger by subset. Tokens are those under the longest system prompt, so that a pair fits in
    every prompt mode. `balance_within` makes the cells of the length balance, none: no balance; of a benchmark's pair
    the source is its subset. Raises Problem.
    """
    fits = _Fits(chat, max_tokens)
    rows = [_commits(accepted, instructions, fits, ledger)]
    problems, _ = divide(tasks(), humaneval_problems, 0, seed)
    pairs, reasons, counts = mutant_pairs(problems, timeout_s=timeout_s, memory_mb=memory_mb, seed=seed)
    for reason in reasons:
        ledger.drop(reason, SUBSET)
    made = [Candidate(**pair, subset=SUBSET) for pair in pairs]
    rows.append(_picked(made, SUBSET, len(made), fits, seed, ledger))
    for subset, found in (folder_pairs(folder) if folder else {}).items():
        rows.append(_picked(found, subset, pairs_per_subset, fits, seed, ledger))
    balanced, lengths = _balanced(pl.concat(rows).sort("id").select(_COLUMNS), balance_within, seed, ledger)
    return balanced.to_arrow().cast(SCHEMAS["benchmark"]), _metrics(counts), lengths


def _balanced(pairs: pl.DataFrame, within: Sequence[str], seed: int, ledger: Ledger) -> tuple[pl.DataFrame, pa.Table]:
    """What is left after the length balance, counted as kept, and the lengths before and after it."""
    difference = pl.Series("difference", balance.differences(pairs.to_arrow()), dtype=pl.Int64)
    rows = pairs.select("aspect", "language", difference, idx="id", source="subset")
    kept = balance.keep(rows, seed, within)
    sieve = Sieve(pairs.with_columns(scope="subset"), ledger)
    sieve.drop("length balance", ~kept)
    return sieve.finish(), balance.lengths(rows, kept, "benchmark")


class _Fits:
    """Which pairs do not fit under the longest system prompt, and why."""

    def __init__(self, chat: Chat, max_tokens: int) -> None:
        self._fit = Fit(chat, max_tokens)
        self._system = system_prompt(CODE_CRITERIA)

    def reasons(self, pairs: pl.DataFrame) -> list[str | None]:
        """A reason or None for each row of prompt, chosen, rejected."""
        rows = pairs.select("chosen", "rejected", system=pl.lit(self._system), input="prompt")
        forged = self._fit.forged(rows)
        clean = np.flatnonzero(~forged)
        long = set(clean[self._fit.too_long(rows[clean.tolist()])].tolist())
        return [FORGED if forged[at] else TOO_LONG if at in long else None for at in range(rows.height)]


def _commits(accepted: pa.Table, instructions: pa.Table, fits: _Fits, ledger: Ledger) -> pl.DataFrame:
    rows = with_instructions(accepted, instructions, "benchmark")
    subset = pl.col("aspect").replace_strict(COMMIT_SUBSETS, default="COMMITPREFS", return_dtype=pl.String)
    rows = rows.select(
        "language", "aspect", subset=subset, scope=subset, row="id",
        prompt="instruction", chosen="new_contents", rejected="old_contents",
    )  # fmt: skip
    sieve = Sieve(rows, ledger)
    sieve.drop("no criterion", pl.col("aspect").is_null())
    sieve.drop("no instruction", pl.col("prompt").is_null())
    sieve.drop("identical", pl.col("chosen") == pl.col("rejected"))
    sieve.drop_by(fits.reasons(sieve.rows))
    sieve.drop("duplicate id", pl.struct("subset", "row").is_first_distinct().not_())
    kept = sieve.rows.drop("scope")
    return kept.with_columns(id=pl.concat_str("subset", "row", separator="_")).select(_COLUMNS)


def _picked(pairs: list[Candidate], subset: str, most: int, fits: _Fits, seed: int, ledger: Ledger) -> pl.DataFrame:
    """At most so many good pairs of a subset, taken in an order of chance; what comes after them is over the cap."""
    ids = [pair.named() for pair in pairs]
    texts = [(pair.prompt, pair.chosen, pair.rejected) for pair in pairs]
    frame = pl.DataFrame(texts, schema=dict.fromkeys(("prompt", "chosen", "rejected"), pl.String), orient="row")
    misfits = fits.reasons(frame)
    kept: dict[str, Candidate] = {}
    ledger.keep(subset, 0)
    for at in track(chance.order(seed, "benchmark pairs", ids), f"pairs of {subset}", unit="pair"):
        reason = _why_not(pairs[at], ids[at] in kept, len(kept) >= most, misfits[at])
        if reason:
            ledger.drop(reason, subset)
        else:
            kept[ids[at]] = pairs[at]._replace(id=ids[at])
    rows = [tuple(getattr(pair, name) for name in _COLUMNS) for pair in kept.values()]
    return pl.DataFrame(rows, schema=dict.fromkeys(_COLUMNS, pl.String), orient="row")


def _why_not(pair: Candidate, seen: bool, full: bool, misfit: str | None) -> str | None:
    if pair.reason:
        return pair.reason
    if full:
        return "row cap"
    if pair.language is None:
        return NO_LANGUAGE
    if pair.chosen == pair.rejected:
        return "identical"
    return misfit or ("duplicate id" if seen else None)


def _metrics(counts: dict[str, int]) -> pa.Table:
    rows = [("benchmark", SUBSET, name, None, float(value)) for name, value in sorted(counts.items())]
    schema = SCHEMAS["metrics"]
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(c, t) for c, t in zip(columns, schema.types, strict=True)], schema=schema)
