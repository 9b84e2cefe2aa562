"""Rewards of a backbone under a head: what all scalar families have in common."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import transformers

from themis.generation.checkpoint import fingerprint
from themis.progress import track
from themis.prompting.packing import PackedPair, unshare
from themis.score.cache import BatchCache
from themis.score.conversations import Conversations
from themis.score.forward import Places, can_pack, conversations, cost, groups, states_at
from themis.score.heads import Head
from themis.score.options import ScorerOptions
from themis.score.protocol import NOT_A_NUMBER, OUT_OF_MEMORY, Pair, PairScore


class HeadScorer:
    """Scores of a model whose backbone and head are loaded; `kind` names what else than the folder they come from.

    Pairs are packed where the backbone allows it; what both conversations begin with is computed once then, unless
    the options say otherwise.
    """

    def __init__(self, backbone: Any, head: Head, options: ScorerOptions, *, kind: str) -> None:
        torch.set_num_threads(options.threads)
        self.backbone = backbone
        self.head = head.float().eval().to(backbone.device)
        self.packed = can_pack(backbone)
        self.share_prefix = self.packed and options.share_prefix
        self._budget = options.batch_tokens
        self._conversations = Conversations.load(
            options.folder,
            options.limits,
            context=getattr(backbone.config.get_text_config(), "max_position_embeddings", None),
            suffix=head.suffix,
        )
        self._identity = " ".join(
            (
                f"{kind} {fingerprint(options.folder)} {backbone.dtype} {backbone.device.type}",
                f"{self.packed} {self.share_prefix} {torch.__version__} {transformers.__version__}",
            )
        )
        self._cache = BatchCache(options.cache)

    def score(self, pairs: Sequence[Pair]) -> Iterator[tuple[str, PairScore]]:
        """Tokenise every pair, then score them batch by batch; a batch found in the cache is not computed again.

        Batches are formed from all pairs, by length and id, so that a resumed run computes the same batches.
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
        found = self._conversations.pack(pair)
        if isinstance(found, str):
            return found
        packed, truncated = found
        for ids in conversations(packed):
            if isinstance(why := self.head.places(ids), str):
                return why
        return packed if self.share_prefix or not self.packed else unshare(packed), truncated

    def _score_packed(self, pairs: dict[str, PackedPair]) -> Iterator[tuple[str, PairScore]]:
        names, rows = list(pairs), list(pairs.values())
        for group in groups(rows, self._budget, packed=self.packed):
            scores = self._cached([rows[index] for index in group])
            yield from zip((names[index] for index in group), scores, strict=True)

    def _cached(self, batch: Sequence[PackedPair]) -> list[PairScore]:
        key = self._key(batch)
        scores = self._cache.get(key)
        if scores is None:
            scores = self._compute(batch, sum(cost(pair, packed=self.packed) for pair in batch))
            # A pair that did not fit in memory today may fit tomorrow.
            if all(score.missing_reason in (None, NOT_A_NUMBER) for score in scores):
                self._cache.put(key, scores)
        return scores

    def _key(self, batch: Sequence[PackedPair]) -> str:
        digest = hashlib.sha256(self._identity.encode())
        for pair in batch:
            digest.update(f"\x1f{len(pair)} {pair.shared} {pair.chosen} ".encode() + pair.ids.tobytes())
        return digest.hexdigest()

    def _compute(self, batch: Sequence[PackedPair], budget: int) -> list[PairScore]:
        """Scores of a batch in its order; where memory runs out, of its parts at half the budget, down to one pair."""
        try:
            rewards = self._rewards(batch)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
        else:
            return [PairScore.of(chosen, rejected) for chosen, rejected in rewards.tolist()]
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if len(batch) == 1:
            return [PairScore(missing_reason=OUT_OF_MEMORY)]
        scores: dict[int, PairScore] = {}
        for group in groups(batch, budget // 2, packed=self.packed):
            scores |= zip(group, self._compute([batch[index] for index in group], budget // 2), strict=True)
        return [scores[index] for index in range(len(batch))]

    @torch.inference_mode()
    def _rewards(self, batch: Sequence[PackedPair]) -> torch.Tensor:
        """Rewards of chosen and rejected, float32 [pairs, 2]."""
        places = [self._places(pair) for pair in batch]
        states = states_at(self.backbone, batch, places, packed=self.packed)
        rewards = self.head(states.flatten(0, 1).float()).view(len(batch), 2).cpu()
        for row, pair in enumerate(batch):
            if np.array_equal(pair.ids[pair.shared : pair.chosen], pair.ids[pair.chosen :]):
                rewards[row, 1] = rewards[row, 0]  # one conversation, one score: rounding must not break the tie
        return rewards

    def _places(self, pair: PackedPair) -> tuple[Places, Places]:
        chosen, rejected = (self.head.places(ids) for ids in conversations(pair))
        assert not isinstance(chosen, str) and not isinstance(rejected, str)  # such a pair was left out
        return chosen, rejected


def _is_out_of_memory(error: Exception) -> bool:
    said = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        words in said for words in ("out of memory", "can't allocate memory", "not enough memory")
    )
