"""Deduplication of real source files from table to table, beside datasketch doing the same job in Python."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasketch import MinHash, MinHashLSH
from scipy.sparse import csr_array

from tests.benchmarks.dedup_corpus import Commit, real_commits, write_commits
from tests.benchmarks.result import Result
from themis import records
from themis.dedup.deduplicate import deduplicate
from themis.similarity.minhash import duplicate_pairs
from themis.similarity.signatures import Method

MEGABYTES, THREADS, RUNS = 300, 2, 3
PEER_MEGABYTES, EXACT = 4, 1000  # what the peer does; commits that are compared all with all
_RATE, _SHARE, _MARGIN = 60, 0.98, 0.05
_METHOD = Method()


def measure() -> Result:
    """Seconds per megabyte of old and new text, the best of RUNS of each in turn, both from table to table."""
    commits = real_commits(MEGABYTES)
    size = sum(len((old + new).encode()) for old, new in commits) / 1e6
    with tempfile.TemporaryDirectory() as place:
        retrieved = Path(place, "retrieved.parquet")
        write_commits(commits, retrieved)
        few = Path(place, "few.parquet")
        write_commits(_first(commits, PEER_MEGABYTES), few)
        seconds, peers = [], []
        for _ in range(RUNS + 1):  # the first also loads the libraries
            began = time.perf_counter()
            deduplicate(retrieved, Path(place, "out"), Path(place, "ledger"), method=_METHOD, threads=THREADS)
            seconds.append(time.perf_counter() - began)
            peers.append(_peer(few, Path(place, "peer")))
        kept = records.read(Path(place, "out"), "deduplicated", ["kept"])["kept"].to_numpy().mean()
    ours, peer = min(seconds[1:]) / size, min(peers[1:])
    recall, precision, pairs = _against_exact(commits[:EXACT])
    note = (
        f"{1 / ours:.0f} MB/s on {THREADS} threads (bar {_RATE}); at {_MARGIN} from the threshold recall {recall:.4f} of"
        f" {pairs:,} pairs and precision {precision:.4f} (bar {_SHARE}); {len(commits):,} commits, {size:.0f} MB, {kept:.0%} kept"
    )
    peer_is = "datasketch MinHash and MinHashLSH over the same shingles"
    return Result("s a MB", ours, peer, peer_is, 10, note, limit=1 / _RATE, true=min(recall, precision) >= _SHARE)


def _first(commits: list[Commit], megabytes: float) -> list[Commit]:
    ends = np.cumsum([len(old) + len(new) for old, new in commits])
    return commits[: 1 + int(np.searchsorted(ends, megabytes * 1e6))]


def _peer(retrieved: Path, out: Path) -> float:
    """The same job from table to table: candidates of datasketch's index, compared exactly, joined, one kept of each."""
    began = time.perf_counter()
    table = records.read(retrieved, "retrieved")
    index = MinHashLSH(threshold=_METHOD.threshold, num_perm=_METHOD.permutations)
    columns = (table[name].to_pylist() for name in ("old_contents", "new_contents"))
    sets, joined = [], list(range(table.num_rows))
    for at, (old, new) in enumerate(zip(*columns, strict=True)):
        sets.append(_shingles(f"{old}\n{new}"))
        sketch = MinHash(num_perm=_METHOD.permutations)
        sketch.update_batch([" ".join(shingle).encode() for shingle in sets[at]])
        for other in index.query(sketch):
            if len(sets[at] & sets[other]) >= _METHOD.threshold * len(sets[at] | sets[other]):
                joined[_root(joined, at)] = _root(joined, other)
        index.insert(at, sketch)
    labels = [_root(joined, at) for at in range(table.num_rows)]
    ids = table["id"].to_pylist()
    table = table.append_column("cluster_id", pa.array([ids[label] for label in labels]))
    table = table.append_column("kept", pa.array([label == at for at, label in enumerate(labels)]))
    records.write(table, out, "deduplicated")
    size = sum(pc.sum(pc.binary_length(table[name])).as_py() for name in ("old_contents", "new_contents"))
    return (time.perf_counter() - began) / (size / 1e6)


def _root(joined: list[int], at: int) -> int:
    while joined[at] != at:
        at = joined[at]
    return at


def _against_exact(commits: list[Commit]) -> tuple[float, float, int]:
    """Pairs well above the threshold that end in one cluster; pairs found that are not far below it; how many of the
    former there are. The exact similarities are those of all pairs."""
    texts = [f"{old}\n{new}" for old, new in commits]
    known: dict[tuple[str, ...], int] = {}
    sets = [[known.setdefault(shingle, len(known)) for shingle in _shingles(text)] for text in texts]
    sizes = np.array([len(found) for found in sets])
    shape = (len(texts), len(known))
    matrix = csr_array((np.ones(sizes.sum(), np.int64), np.concatenate(sets), np.append(0, np.cumsum(sizes))), shape)
    shared = (matrix @ matrix.T).toarray()
    exact = shared / (sizes[:, None] + sizes - shared)
    one, other = np.nonzero(np.triu(exact >= _METHOD.threshold + _MARGIN, 1))
    with tempfile.TemporaryDirectory() as place:
        retrieved, out = Path(place, "retrieved.parquet"), Path(place, "out.parquet")
        write_commits(commits, retrieved)
        deduplicate(retrieved, out, Path(place, "ledger"), method=_METHOD, threads=THREADS)
        table = records.read(out, "deduplicated", ["old_contents", "new_contents", "cluster_id"]).to_pylist()
    cluster = {f"{row['old_contents']}\n{row['new_contents']}": row["cluster_id"] for row in table}
    together = [cluster[texts[i]] == cluster[texts[j]] for i, j in zip(one, other, strict=True)]
    right = [exact[i, j] >= _METHOD.threshold - _MARGIN for i, j, _ in duplicate_pairs(texts, _METHOD)]
    return float(np.mean(together)), float(np.mean(right)), len(one)


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[A-Za-z0-9_]+", text)
    n = _METHOD.shingle
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)} or {(text,)}
