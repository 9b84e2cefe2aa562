"""Retrieve: both contents of every selected change, from whichever of its repositories has them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pyarrow as pa

from themis import chance
from themis.ahead import ahead
from themis.contents.ask import Asker
from themis.contents.blobs import NOT_AT_HAND
from themis.contents.decode import refused_mode
from themis.contents.pairs import Pair, Pairs
from themis.contents.sources import Source, Sources
from themis.errors import Problem
from themis.progress import bar
from themis.records import SCHEMAS, Ledger, stream, write
from themis.repositories.network import REFUSED, SILENT, Limits, Network

_BATCH_CHARACTERS = 1 << 23
_UNREACHED = (REFUSED, SILENT)


def retrieve(
    selected: Path,
    tables: Path | None,
    out: Path,
    ledger: Path,
    attempts: Path,
    *,
    shard: int,
    shards: int,
    max_bytes: int,
    remote: str | None = None,
    limits: Limits | None = None,
) -> pa.Table:
    """Write the retrieved table of one shard: selected rows and both contents. Returns the table of attempts, also written.

    A row belongs to a shard by a hash of its first repository, so that one shard alone asks for most of a repository's
    blobs. Each repository of a row is asked in turn, in its folder, then at the URL it was cloned from, then at `remote`
    with its name put in, until both blobs are found; what a blob is (binary, too large, ...) ends the search. `encoding`
    names both, old then new, where they differ. Rows are in the order in which they were read, which no order of the
    input, kill or fault changes; about 3 kB a row are held, and never all texts.

    What comes over the network is kept in a folder beside `out` until every host has answered: a killed run, or a run
    repeated after a host failed, asks for nothing that it has. Blobs of local repositories are read again.
    Raises Problem for a shard out of range and for limits that do not fit together.
    """
    if not 0 <= shard < shards:
        raise Problem(f"shard {shard} of {shards}: shards are numbered 0 to {shards - 1}")
    limits = limits or Limits()
    if limits.scratch_mb * 1_000_000 < 2 * max_bytes:
        raise Problem(f"scratch_mb: {limits.scratch_mb} MB do not hold two files of max_bytes ({max_bytes}); raise it")
    out, sources = Path(out), Sources(tables, remote)
    rows = _shard(selected, shard, shards)
    account = Ledger("retrieve")
    work = out.parent / f".{out.name}.work"
    for leftover in (work / "halves", *work.glob("scratch-*")):
        shutil.rmtree(leftover, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    pairs = Pairs(rows["old_blob"].to_pylist(), rows["new_blob"].to_pylist(), work / "halves")
    asker = Asker(sources.folders, Network(limits), work, max_bytes)
    with ThreadPoolExecutor(1) as pool:
        held = _held(rows, _settled(rows, sources, pairs, asker), account)
        write(ahead(pool, partial(_table, rows), held), out, "retrieved", inputs=[selected])
    account.write(ledger, inputs=[selected])
    table = pa.Table.from_pylist(asker.attempts(), schema=SCHEMAS["attempts"])
    write(table, attempts, "attempts", inputs=[selected])
    if not unreached(table):
        shutil.rmtree(work)
    return table


def unreached(attempts: pa.Table) -> list[str]:
    """The URLs whose host refused or did not answer, out of the table of attempts."""
    sources, errors = attempts["source"].to_pylist(), attempts["error"].to_pylist()
    return [source for source, error in zip(sources, errors, strict=True) if error in _UNREACHED]


def _shard(selected: Path, shard: int, shards: int) -> pa.Table:
    """The shard's rows, file by file in the order of time, so that one change's new blob is the next one's old blob."""
    belongs: dict[str, bool] = {}
    parts = []
    for table in stream(selected, "selected"):
        names = table["repository"].to_pylist()
        for name in set(names) - belongs.keys():
            belongs[name] = chance.digest(0, "shard", name) % shards == shard
        parts.append(table.filter(pa.array([belongs[name] for name in names], pa.bool_())))
    table = pa.concat_tables(parts) if parts else SCHEMAS["selected"].empty_table()
    return table.sort_by([(key, "ascending") for key in ("path", "committed_at", "id")]).combine_chunks()


def _settled(rows: pa.Table, sources: Sources, pairs: Pairs, asker: Asker) -> Iterator[tuple[int, Pair | str]]:
    """Each row with its contents or the reason why it has none.

    In every turn the rows still lacking a blob ask their next source for it, so that each is asked once a turn.
    """
    waiting = []
    for row, modes in enumerate(zip(rows["old_mode"].to_pylist(), rows["new_mode"].to_pylist(), strict=True)):
        why = refused_mode(modes[0]) or refused_mode(modes[1])
        if why:
            yield row, why
        else:
            waiting.append(row)
    chains = list(_chains(rows, sources))
    turn = 0
    while waiting:
        asked: dict[Source, list[int]] = {}
        for row in waiting:
            if turn < len(chains[row]):
                asked.setdefault(chains[row][turn], []).append(row)
            else:
                yield row, pairs.lacking.get(row, NOT_AT_HAND)
        waiting = []
        for row, result in asker.ask(asked, pairs):
            if result is None:
                waiting.append(row)
            else:
                yield row, result
        waiting.sort()
        turn += 1


def _chains(rows: pa.Table, sources: Sources) -> Iterator[tuple[Source, ...]]:
    """Of each row the sources to ask, one after the other."""
    known: dict[tuple[str, ...], tuple[Source, ...]] = {}
    for names in map(tuple, rows["repositories"].to_pylist()):
        if names not in known:
            known[names] = tuple(source for name in names for source in sources.of(name))
        yield known[names]


def _held(
    rows: pa.Table, settled: Iterable[tuple[int, Pair | str]], account: Ledger
) -> Iterator[list[tuple[int, Pair]]]:
    """The rows that have both contents, some megabytes at a time; all are accounted for."""
    splits = rows["split"].to_pylist()
    held: list[tuple[int, Pair]] = []
    size = 0
    with bar("contents", rows.num_rows) as shown:
        for row, result in settled:
            shown.update()
            if isinstance(result, str):
                account.drop(result, scope=splits[row])
                continue
            account.keep(scope=splits[row])
            held.append((row, result))
            size += len(result[0][0]) + len(result[1][0])
            if size > _BATCH_CHARACTERS:
                yield held
                held, size = [], 0
    yield held


def _table(rows: pa.Table, held: list[tuple[int, Pair]]) -> pa.Table:
    table = rows.take(pa.array([row for row, _ in held], pa.int64()))
    columns = {
        "old_contents": [old for _, ((old, _), _) in held],
        "new_contents": [new for _, (_, (new, _)) in held],
        "encoding": [one if one == other else f"{one},{other}" for _, ((_, one), (_, other)) in held],
    }
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values, pa.string()))
    return table
