"""Ask sources for what rows lack: folders one after the other, hosts several at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from themis.contents.blobs import NOT_AT_HAND, UNREADABLE, Outcome, asked, outcomes
from themis.contents.pairs import Pair, Pairs
from themis.contents.remote import Answer, fetch_parts, read_part
from themis.contents.sources import Source
from themis.errors import Problem
from themis.repositories.network import Network, Unreached
from themis.repositories.objects import read_blobs
from themis.repositories.repository import open_repository
from themis.repositories.urls import host_of

_MOST_THREADS = 64

_Fetched = tuple[list[Answer], int]


@dataclass(slots=True)
class _Attempt:
    wanted: int = 0
    found: int = 0
    requests: int = 0
    error: str | None = None


class Asker:
    """Asks sources and notes what each of them answered."""

    def __init__(self, folders: Sequence[Path], network: Network, work: Path, max_bytes: int) -> None:
        self._folders, self._network, self._work, self._max_bytes = folders, network, work, max_bytes
        self._attempts: dict[Source, _Attempt] = {}

    def ask(self, wanted: Mapping[Source, Sequence[int]], pairs: Pairs) -> Iterator[tuple[int, Pair | str | None]]:
        """Each row, by source and in the order given, with what the source's answer makes of it (see Pairs.add).

        Hosts are asked ahead of that order; what they answer is on disk.
        """
        chunk = max(1, self._network.limits.chunk // 2)  # rows, of two blobs each
        chunks = {
            source: [rows[i : i + chunk] for i in range(0, len(rows), chunk)] if source.remote else [rows]
            for source, rows in wanted.items()
        }
        hosts = {host_of(source.place) for source in wanted if source.remote}
        threads = min(_MOST_THREADS, max(1, len(hosts)) * self._network.limits.per_host)
        with ThreadPoolExecutor(threads) as pool:
            try:
                fetched = {
                    source: pool.submit(self._fetch, source.place, chunks[source], pairs)
                    for source in sorted(wanted)
                    if source.remote
                }
                for source in sorted(wanted):
                    yield from self._one(source, chunks[source], pairs, fetched.pop(source, None))
            except BaseException:
                self._network.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def attempts(self) -> list[dict]:
        """Rows of the table of attempts, sorted."""
        return [
            {"repo_name": source.repository, "source": source.place, "wanted": attempt.wanted, "found": attempt.found,
             "requests": attempt.requests, "error": attempt.error}
            for source, attempt in sorted(self._attempts.items(), key=lambda item: item[0])
        ]  # fmt: skip

    def _fetch(self, url: str, chunks: Iterable[Sequence[int]], pairs: Pairs) -> _Fetched:
        oids = [asked(oid for row in rows for oid in pairs.needs(row)) for rows in chunks]
        return fetch_parts(url, oids, self._work, self._network, self._max_bytes)

    def _one(
        self, source: Source, chunks: Iterable[Sequence[int]], pairs: Pairs, fetched: Future[_Fetched] | None
    ) -> Iterator[tuple[int, Pair | str | None]]:
        attempt = self._attempts.setdefault(source, _Attempt())
        answers, requests = fetched.result() if fetched else ([None], 0)
        attempt.requests += requests
        wanted: set[str] = set()
        found: set[str] = set()
        for rows, answer in zip(chunks, answers, strict=True):
            needs = [pairs.needs(row) for row in rows]
            flat = [oid for of_row in needs for oid in of_row]
            wanted.update(flat)
            with self._outcomes(source, answer, flat, found) as results:
                for row, of_row in zip(rows, needs, strict=True):
                    got = [next(results) for _ in of_row]
                    if UNREADABLE in got:
                        attempt.error = UNREADABLE
                    yield row, pairs.add(row, got)
            if isinstance(answer, Unreached):
                attempt.error = answer.reason
        if not source.place:
            attempt.error = NOT_AT_HAND
        attempt.wanted += len(wanted)
        attempt.found += len(found)

    @contextlib.contextmanager
    def _outcomes(
        self, source: Source, answer: Answer | None, needs: list[str], found: set[str]
    ) -> Iterator[Iterator[Outcome]]:
        if isinstance(answer, Unreached):
            yield repeat(answer.reason)
        elif isinstance(answer, Path):
            yield outcomes(needs, read_part(answer), found)
        elif not source.place:
            yield repeat(NOT_AT_HAND)
        else:
            with contextlib.ExitStack() as stack:
                try:
                    opened = stack.enter_context(open_repository(Path(source.place), self._folders))
                except Problem:
                    yield repeat(UNREADABLE)
                else:
                    yield outcomes(needs, read_blobs(opened, asked(needs), self._max_bytes), found)
