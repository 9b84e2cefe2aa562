"""Pairs as token ids, scored batch by batch: what every model that gives a conversation one number has in common."""

from __future__ import annotations

import hashlib
import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace

from themis.progress import track
from themis.prompting.packing import PackedPair
from themis.score.cache import BatchCache
from themis.score.conversations import Conversations
from themis.score.distinct import plan
from themis.score.forward import groups
from themis.score.options import ScorerOptions
from themis.score.protocol import NOT_A_NUMBER, Pair, PairScore


class BatchScorer(ABC):
    """Scores of `conversations`' pairs. `identity` names all that a batch's scores depend on but for its ids.

    `packed` says what a batch takes: the tokens of its pairs, or of both conversations padded to the longest.
    """

    def __init__(self, conversations: Conversations, options: ScorerOptions, identity: str, *, packed: bool) -> None:
        self.packed = packed
        self._conversations = conversations
        self._budget = options.batch_tokens
        self._identity = identity
        self._cache = BatchCache(options.cache)

    def score(self, pairs: Sequence[Pair]) -> Iterator[tuple[str, PairScore]]:
        """Tokenise every pair, then score them batch by batch; a batch found in the cache is not computed again.

        A conversation that several pairs have is computed once. Batches are formed from all pairs, by length and id, so
        that a resumed run computes the same batches.
        """
        missing: dict[str, PairScore] = {}
        packed: dict[str, PackedPair] = {}
        cut: set[str] = set()
        for pair in track(sorted(pairs, key=lambda pair: pair.id), "tokenise", len(pairs), "pair"):
            found = self._pack(pair)
            if isinstance(found, str):
                missing[pair.id] = PairScore(missing_reason=found)
                continue
            packed[pair.id], truncated = found
            if truncated:
                cut.add(pair.id)
        scored = ((row, replace(score, truncated=row in cut)) for row, score in self._score_packed(packed))
        return itertools.chain(missing.items(), scored)

    def _pack(self, pair: Pair) -> tuple[PackedPair, bool] | str:
        """Token ids of a pair as they are computed, and whether something was cut; or the reason why there are none."""
        return self._conversations.pack(pair)

    @abstractmethod
    def _compute(self, batch: Sequence[PackedPair]) -> list[PairScore]:
        """Scores of a batch, in its order; of one conversation twice, the same score."""

    def _packed(self, pair: PackedPair) -> PackedPair:
        """A pair as it is computed: what both conversations begin with is in it once, or twice."""
        return pair

    def _score_packed(self, pairs: dict[str, PackedPair]) -> Iterator[tuple[str, PairScore]]:
        made = plan(pairs, self._packed)
        parts: dict[int, list[str]] = {}
        for name, places in made.places.items():
            for row in {row for row, _ in places}:
                parts.setdefault(row, []).append(name)
        found: dict[int, PairScore] = {}
        again = []
        for row, score in self._batches(made.rows):
            found[row] = score
            for name in parts[row]:
                halves = [(found[one], side) for one, side in made.places[name] if one in found]
                if len(halves) < 2:
                    continue
                if name in made.whole:
                    yield name, score
                elif any(half.missing_reason is not None for half, _ in halves):
                    again.append(name)  # it may be the other's partner that has none
                else:
                    yield name, PairScore.of(*((half.chosen, half.rejected)[side] for half, side in halves))
        for row, score in self._batches([pairs[name] for name in again]):
            yield again[row], score

    def _batches(self, rows: Sequence[PackedPair]) -> Iterator[tuple[int, PairScore]]:
        """Scores of rows, each with its place among them."""
        for group in groups(rows, self._budget, packed=self.packed):
            yield from zip(group, self._cached([rows[index] for index in group]), strict=True)

    def _cached(self, batch: Sequence[PackedPair]) -> list[PairScore]:
        key = self._key(batch)
        scores = self._cache.get(key)
        if scores is None:
            scores = self._compute(batch)
            # A pair that did not fit in memory today may fit tomorrow.
            if all(score.missing_reason in (None, NOT_A_NUMBER) for score in scores):
                self._cache.put(key, scores)
        return scores

    def _key(self, batch: Sequence[PackedPair]) -> str:
        digest = hashlib.sha256(self._identity.encode())
        for pair in batch:
            digest.update(f"\x1f{len(pair)} {pair.shared} {pair.chosen} ".encode() + pair.ids.tobytes())
        return digest.hexdigest()
