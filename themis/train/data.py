"""Preference pairs as token ids: tokenised once by the first process, mapped into memory by all."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from themis import progress, records
from themis.errors import Problem
from themis.prompting import packing
from themis.prompting.chat import Chat, ForgedMarkup
from themis.prompting.packing import PackedPair

TOO_LONG = "too long"
FORGED = "special token in the text"


@dataclass(frozen=True)
class TokenizedPairs:
    """The packed pairs of a preference table, sorted by row id, and how many rows were dropped for which reason."""

    rows: list[str]
    ids: np.ndarray  # int32, all pairs one after the other
    offsets: np.ndarray  # int64 [pairs + 1]
    prompt: np.ndarray  # int32 [pairs], lengths as in PackedPair
    shared: np.ndarray
    chosen: np.ndarray
    dropped: dict[str, int]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> PackedPair:
        ids = self.ids[self.offsets[index] : self.offsets[index + 1]]
        return PackedPair(ids, int(self.prompt[index]), int(self.shared[index]), int(self.chosen[index]))

    @property
    def lengths(self) -> list[int]:
        """Tokens of every packed pair."""
        return np.diff(self.offsets).tolist()

    @property
    def completions(self) -> np.ndarray:
        """Tokens of every chosen response."""
        return self.chosen - self.prompt

    def ledger(self, stage: str) -> records.Ledger:
        """Rows in = rows trained on + rows dropped by reason."""
        ledger = records.Ledger(stage)
        ledger.keep(rows=len(self))
        for reason, count in self.dropped.items():
            ledger.drop(reason, rows=count)
        return ledger


def tokenize(preferences: Path, chat: Chat, max_tokens: int) -> pa.Table:
    """The packed pairs of a preference table: idx, ids, prompt, shared, chosen; dropped rows counted in the metadata.

    Raises Problem where a row id occurs twice, no pair is left, or a conversation ends in the padding token: the
    exported classifier scores the last token that is not padding, and would read another one than training did.
    """
    table = records.read(preferences, "preferences", ["idx", "system", "input", "chosen", "rejected"]).sort_by("idx")
    dropped: Counter[str] = Counter()
    packed: dict[str, PackedPair] = {}
    total = table.num_rows
    seen = None
    for row in progress.track(_rows(table), f"tokenize {preferences.name}", total=total, unit="pair"):
        if row["idx"] == seen:
            raise Problem(f"{preferences}: idx {seen} occurs twice; give every pair its own")
        seen = row["idx"]
        try:
            pair = packing.pack(chat, row["system"], row["input"], row["chosen"], row["rejected"])
        except ForgedMarkup:
            dropped[FORGED] += 1
            continue
        if len(pair) > max_tokens:
            dropped[TOO_LONG] += 1
            continue
        if chat.pad_id in (pair.ids[pair.chosen - 1], pair.ids[-1]):
            raise Problem(f"{chat.tokenizer.name_or_path}: its chat template ends in the only token left to pad with")
        packed[seen] = pair
    if not packed:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(dropped.items()))
        raise Problem(f"{preferences}: no pair to train on ({reasons or 'the table is empty'})")
    columns = {
        "idx": pa.array(packed, pa.string()),
        "ids": pa.array([pair.ids for pair in packed.values()], pa.large_list(pa.int32())),
        **{name: pa.array([getattr(p, name) for p in packed.values()], pa.int32()) for name in _LENGTHS},
    }
    return pa.table(columns).combine_chunks().replace_schema_metadata({"dropped": json.dumps(dropped, sort_keys=True)})


def write_cache(preferences: Path, base: Path, max_tokens: int, path: Path) -> None:
    """Tokenise into an Arrow file at `path`, unless it holds the same pairs already."""
    key = _key(preferences, base, max_tokens)
    if path.exists() and _read_metadata(path).get("key") == key:
        return
    table = tokenize(preferences, Chat.load(base), max_tokens)
    table = table.replace_schema_metadata({**table.schema.metadata, b"key": key.encode()})
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with pa.OSFile(str(part), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def open_cache(path: Path) -> TokenizedPairs:
    """The pairs `write_cache` wrote; the ids stay on disk until they are read."""
    table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    ids = table.column("ids").combine_chunks()
    return TokenizedPairs(
        rows=table.column("idx").to_pylist(),
        ids=ids.values.to_numpy(),
        offsets=ids.offsets.to_numpy(),
        dropped=json.loads(table.schema.metadata[b"dropped"]),
        **{name: table.column(name).to_numpy() for name in _LENGTHS},
    )


_LENGTHS = ("prompt", "shared", "chosen")


def _rows(table: pa.Table):
    for batch in table.to_batches(max_chunksize=1024):
        yield from batch.to_pylist()


def _key(preferences: Path, base: Path, max_tokens: int) -> str:
    tokenizer = [path for path in sorted(base.glob("*")) if path.suffix in {".json", ".jinja", ".model", ".txt"}]
    parts = [records.file_digest(preferences), str(max_tokens), *map(records.file_digest, tokenizer)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _read_metadata(path: Path) -> dict[str, str]:
    try:
        metadata = pa.ipc.open_file(pa.memory_map(str(path))).schema.metadata or {}
    except (pa.ArrowInvalid, OSError):
        return {}
    return {name.decode(): value.decode() for name, value in metadata.items()}
