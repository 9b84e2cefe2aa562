"""Preference pairs as commits give them: real source of the installed packages, and the same before a made-up change."""

from __future__ import annotations

import os
import random
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from themis import chance, records
from themis.prompting.chat import Chat
from themis.prompting.criteria import system_prompt
from themis.vocabulary import CODE_CRITERIA

SEED = 5
_MEDIAN, _SPREAD = 45, 0.75  # lines of a file: median, and the deviation of its logarithm


def write(path: Path, chat: Chat, count: int, longest: int) -> None:
    """Write `count` pairs of which no conversation has more than `longest` tokens, as a preference table.

    THEMIS_BENCH_PAIRS names a preference table to take them from instead (the first ones by hash that fit).
    """
    given = os.environ.get("THEMIS_BENCH_PAIRS")
    rows = []
    for row in _given(Path(given)) if given else _made():
        prompt = row["system"], row["input"]
        if max(len(chat.conversation(*prompt, row[side])) for side in ("chosen", "rejected")) <= longest:
            rows.append(row)
        if len(rows) == count:
            break
    assert len(rows) == count, f"only {len(rows)} pairs are short enough"
    records.write(pa.Table.from_pylist(rows), path, "preferences")


def _given(path: Path) -> Iterator[dict[str, str]]:
    rows = records.read(path, "preferences").to_pylist()
    for at in chance.order(SEED, "benchmark", [row["idx"] for row in rows]):
        yield rows[at]


def _made() -> Iterator[dict[str, str | None]]:
    folder = Path(sysconfig.get_path("purelib"))
    files = [path for path in sorted(folder.rglob("*.py")) if 2_000 < path.stat().st_size < 100_000]
    for at in chance.order(SEED, "files", [str(path.relative_to(folder)) for path in files]):
        name = str(files[at].relative_to(folder))
        source = random.Random(chance.digest(SEED, "pair", name))
        lines = files[at].read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        size = int(_MEDIAN * source.lognormvariate(0, _SPREAD))
        if size < 6 or len(lines) <= size:
            continue
        begin = source.randrange(len(lines) - size)
        after = lines[begin : begin + size]
        before = _changed(after, lines, source)
        if before == after:
            continue
        criterion = source.choice(CODE_CRITERIA)
        yield {
            "system": system_prompt([criterion]), "input": f"Write this part of {name}.", "chosen": "".join(after),
            "rejected": "".join(before), "language": "Python", "aspect": criterion.value, "source": "packages",
            "idx": name,
        }  # fmt: skip


def _changed(after: list[str], lines: list[str], source: random.Random) -> list[str]:
    """One or two hunks of up to six lines replaced by other lines of the file."""
    before = list(after)
    for _ in range(source.randrange(1, 3)):
        at = source.randrange(len(before))
        other = source.randrange(len(lines))
        before[at : at + source.randrange(1, 7)] = lines[other : other + source.randrange(0, 5)]
    return before or after
