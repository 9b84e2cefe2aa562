"""The code training set: commit pairs that the judges do not contradict, filtered and cleared of the benchmark."""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from themis.errors import Problem
from themis.preferences.commits import with_instructions
from themis.preferences.filters import Limits, filtered
from themis.preferences.sieve import Sieve
from themis.preferences.system_prompts import Shares
from themis.prompting.chat import Chat
from themis.prompting.judging import decide
from themis.records import Ledger

_SCOPE = "train"
REQUIREMENTS = ("confirmed", "not_contradicted")


def assemble_code(
    accepted: pa.Table,
    instructions: pa.Table,
    judgements: pa.Table,
    benchmark: pa.Table,
    chat: Chat,
    *,
    limits: Limits,
    shares: Shares,
    margin: float,
    require: str,
    seed: int,
    ledger: Ledger,
) -> pa.Table:
    """The code set as a preferences table: chosen is the file after the commit, rejected the file before (paper
    section 3), the input the instruction written back from both.

    `require` is `confirmed`, which keeps the pairs that the votes confirm, or `not_contradicted`. Drops are counted
    in the ledger under `train`. Raises Problem.
    """
    if require not in REQUIREMENTS:
        raise Problem(f"--require: {require} is none of {', '.join(REQUIREMENTS)}")
    sides = {row: side for row, (side, _) in decide(judgements, margin).items()}
    rows = with_instructions(accepted, instructions, "train")
    ledger.keep(_SCOPE, 0)
    sieve = Sieve(
        rows.select(
            "leaking", "language", "aspect",
            idx="id", input="instruction", chosen="new_contents", rejected="old_contents",
            source=pl.lit("commits"), scope=pl.lit(_SCOPE),
            side=pl.Series([sides.get(row) for row in rows["id"]], dtype=pl.String),
        ),
        ledger,
    )  # fmt: skip
    sieve.drop("no criterion", pl.col("aspect").is_null())
    sieve.drop("no instruction", pl.col("input").is_null())
    sieve.drop("judged worse", pl.col("side") == "rejected")
    if require == "confirmed":
        sieve.drop("not confirmed", pl.col("side").is_null() | (pl.col("side") != "chosen"))
    return filtered(sieve, benchmark, chat, limits, shares, seed)
