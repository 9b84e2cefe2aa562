"""Preference pairs of real commits, a pair for each place they change: what two cores can train on in an hour."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from themis import chance, records
from themis.preferences import balance
from themis.progress import track
from themis.prompting.chat import Chat

_COLUMNS = ["id", "split", "kept", "path", "language", "old_contents", "new_contents"]
_ASPECT = "functional_correctness"  # the tables want one; nothing here reads it
_SEED, _PLACES, _APART = 77, 3, 4  # places of a commit at most; unchanged lines that part two places


def write(deduplicated: Path, chat: Chat, folder: Path, tokens: int, most: int) -> dict[str, int]:
    """Write train.parquet (at most `most` preference pairs) and held_out.parquet (benchmark); rows of each.

    Of the pairs to train on, chosen is the longer as often as the shorter in every language.

    Both sides are the changed lines and as many around them as fit in `tokens`; a place with more changed lines is left
    out, so is one of which nothing is left on a side, or where only blanks differ. The prompt names the file, and not
    what was changed. The id is the commit's, `#` and the number of the place.
    """
    train, test = [], []
    for row in track(list(_rows(deduplicated)), "cut", unit="commit"):
        prompt = f"Write this part of {PurePosixPath(row['path']).name} in {row['language']}."
        for number, (old, new) in windows(row["old_contents"], row["new_contents"], chat, tokens, row["id"]):
            key = f"{row['id']}#{number}"
            pair = {"chosen": new, "rejected": old, "language": row["language"], "aspect": _ASPECT}
            if row["split"] == "train":
                train.append({"idx": key, "system": None, "input": prompt, "source": "commits", **pair})
            else:
                test.append({"id": key, "prompt": prompt, "subset": "COMMITS", **pair})
    folder.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([(name, pa.string()) for name in train[0]])
    pairs = pa.Table.from_pylist(train, schema)
    rows = pl.from_arrow(pairs.select(["idx", *balance.CELL])).with_columns(difference=balance.differences(pairs))
    pairs = pairs.filter(pa.array(balance.keep(rows, _SEED, ["language"])))
    pairs = pairs.take(sorted(chance.order(_SEED, "pairs", pairs["idx"].to_pylist())[:most]))
    records.write(pairs, folder / "train.parquet", "preferences")
    records.write(pa.Table.from_pylist(test), folder / "held_out.parquet", "benchmark")
    return {
        "train": len(pairs),
        "left out to balance lengths or save time": len(train) - len(pairs),
        "held out": len(test),
    }


def windows(old: str, new: str, chat: Chat, tokens: int, key: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """Up to three places of a change, drawn by a hash of `key`: their number and both versions of the lines there."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    changes = _changes(before, after)
    drawn = chance.order(_SEED, "places", [f"{key}#{number}" for number in range(len(changes))])
    found = 0
    for number in drawn:
        i, j, k, m = changes[number]
        removed, added = before[i:j], after[k:m]
        if found == _PLACES or "".join("".join(removed).split()) == "".join("".join(added).split()):
            continue
        pair = _window(removed, added, before[:i], before[j:], chat, tokens)
        if pair and all(side.strip() for side in pair):
            found += 1
            yield number, pair


def _changes(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """Ranges of lines that differ; those with few unchanged lines between them are one."""
    changes: list[tuple[int, int, int, int]] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=len(before) > 2_000).get_opcodes():
        if tag == "equal":
            continue
        if changes and i - changes[-1][1] < _APART:
            i, _, k, _ = changes.pop()
        changes.append((i, j, k, m))
    return changes


def _window(
    removed: Sequence[str], added: Sequence[str], above: Sequence[str], below: Sequence[str], chat: Chat, tokens: int
) -> tuple[str, str] | None:
    """Both versions with as many lines of the old file around them, on both sides alike, as fit; None where none does."""

    def length(lines: Sequence[str]) -> int:
        return sum(map(len, chat.tokenizer(list(lines), add_special_tokens=False).input_ids)) if lines else 0

    if max(len(removed), len(added)) > tokens:
        return None
    left = tokens - max(length(removed), length(added))
    if left < 0:
        return None
    above, below = above[-tokens:], below[:tokens]
    around = 0
    while around < max(len(above), len(below)):
        more = above[-1 - around : len(above) - around] if around < len(above) else []
        left -= length([*more, *below[around : around + 1]])
        if left < 0:
            break
        around += 1
    kept = above[max(len(above) - around, 0) :], below[:around]
    return tuple("".join([*kept[0], *lines, *kept[1]]) for lines in (removed, added))


def _rows(deduplicated: Path) -> Iterator[dict[str, str]]:
    for batch in pq.ParquetFile(deduplicated).iter_batches(256, columns=_COLUMNS):
        for row in batch.to_pylist():
            if row["kept"] and row["old_contents"] and row["new_contents"]:
                yield row
