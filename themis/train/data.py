"""Preference pairs as token ids: tokenised once by the first process, mapped into memory by all."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from themis import progress, records
from themis.errors import Problem
from themis.prompting import packing
from themis.prompting.chat import Chat, ForgedMarkup
from themis.prompting.packing import PackedPair
from themis.train.selection import Selection, select

TOO_LONG = "too long"
FORGED = "special token in the text"
HELD_OUT = "held out"
_ALL = Selection()


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

    def packed(self, index: int, share_prefix: bool = True) -> PackedPair:
        """A pair with what its responses have in common once, or twice; the rewards are the same."""
        ids = self.ids[self.offsets[index] : self.offsets[index + 1]]
        pair = PackedPair(ids, int(self.prompt[index]), int(self.shared[index]), int(self.chosen[index]))
        return pair if share_prefix else packing.unshare(pair)

    def lengths(self, share_prefix: bool = True) -> list[int]:
        """Tokens of every pair as `packed` gives it."""
        once = np.diff(self.offsets)
        return (once if share_prefix else once + self.shared).tolist()

    @property
    def rejected(self) -> np.ndarray:
        """Tokens of every rejected conversation, as `chosen` are those of the chosen one."""
        return np.diff(self.offsets) - self.chosen + self.shared

    @property
    def completions(self) -> np.ndarray:
        """Tokens of every chosen response."""
        return self.chosen - self.prompt

    def ledger(self, stage: str, model: str) -> records.Ledger:
        """Rows in = rows trained on + rows dropped by reason; the scope is the model, as several may train one stage."""
        ledger = records.Ledger(stage)
        ledger.keep(model, len(self))
        for reason, count in self.dropped.items():
            ledger.drop(reason, model, count)
        return ledger


def tokenize(preferences: Path, chat: Chat, max_tokens: int, selection: Selection = _ALL) -> pa.Table:
    """The packed pairs selected of a preference table: idx, ids, prompt, shared, chosen; those held out come last.

    The metadata count the rows trained on and those dropped, the ones held out among them. Raises Problem where a row
    id occurs twice, no pair is left to train on, or none to hold out where some are to be, or a conversation ends in the
    padding token: the exported classifier scores the last token that is not padding, and would read another one than
    training did.
    """
    columns = ["idx", "system", "input", "chosen", "rejected", "aspect", "language"]
    table, dropped = select(records.read(preferences, "preferences", columns).sort_by("idx"), selection)
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
    held_out = [idx for idx in packed if selection.holds_out(idx)]
    for idx in held_out:
        packed[idx] = packed.pop(idx)
    trained = len(packed) - len(held_out)
    if selection.held_out and not (trained and held_out):
        raise Problem(
            f"--held-out: {selection.held_out} of {len(packed)} pairs is {len(held_out)} to measure and {trained} to train"
            " on; neither may be none"
        )
    if held_out:
        dropped[HELD_OUT] = len(held_out)
    columns = {
        "idx": pa.array(packed, pa.string()),
        "ids": pa.array([pair.ids for pair in packed.values()], pa.large_list(pa.int32())),
        **{name: pa.array([getattr(p, name) for p in packed.values()], pa.int32()) for name in _LENGTHS},
    }
    counts = {"trained": str(trained), "dropped": json.dumps(dropped, sort_keys=True)}
    return pa.table(columns).combine_chunks().replace_schema_metadata(counts)


def write_cache(preferences: Path, base: Path, max_tokens: int, path: Path, selection: Selection = _ALL) -> None:
    """Tokenise into an Arrow file at `path`, unless it holds the same pairs already."""
    key = _key(preferences, base, max_tokens, selection)
    if path.exists() and _read_metadata(path).get("key") == key:
        return
    table = tokenize(preferences, Chat.load(base), max_tokens, selection)
    table = table.replace_schema_metadata({**table.schema.metadata, b"key": key.encode()})
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with pa.OSFile(str(part), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def open_cache(path: Path, *, held_out: bool = False) -> TokenizedPairs:
    """The pairs `write_cache` wrote to train on, or those held out; the ids stay on disk until they are read."""
    table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    trained = int(table.schema.metadata[b"trained"])
    start, end = (trained, table.num_rows) if held_out else (0, trained)
    ids = table.column("ids").chunk(0).slice(start, end - start)
    table = table.slice(start, end - start)
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


def _key(preferences: Path, base: Path, max_tokens: int, selection: Selection) -> str:
    tokenizer = [path for path in sorted(base.glob("*")) if path.suffix in {".json", ".jinja", ".model", ".txt"}]
    parts = [records.file_digest(preferences), str(max_tokens), selection.key, *map(records.file_digest, tokenizer)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _read_metadata(path: Path) -> dict[str, str]:
    try:
        metadata = pa.ipc.open_file(pa.memory_map(str(path))).schema.metadata or {}
    except (pa.ArrowInvalid, OSError):
        return {}
    return {name.decode(): value.decode() for name, value in metadata.items()}
