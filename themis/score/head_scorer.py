"""Rewards of a backbone under a head: what all scalar families have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import transformers

from themis.generation.checkpoint import fingerprint
from themis.prompting.packing import PackedPair, unshare
from themis.score.batch_scorer import BatchScorer
from themis.score.conversations import Conversations
from themis.score.forward import Places, alike, can_pack, conversations, cost, groups, states_at
from themis.score.heads import Head
from themis.score.options import ScorerOptions
from themis.score.protocol import OUT_OF_MEMORY, Pair, PairScore


class HeadScorer(BatchScorer):
    """Scores of a model whose backbone and head are loaded; `kind` names what else than the folder they come from.

    Pairs are packed where the backbone allows it; what both conversations begin with is computed once then, unless
    the options say otherwise.
    """

    def __init__(self, backbone: Any, head: Head, options: ScorerOptions, *, kind: str) -> None:
        torch.set_num_threads(options.threads)
        self.backbone = backbone
        self.head = head.float().eval().to(backbone.device)
        packed = can_pack(backbone)
        self.share_prefix = packed and options.share_prefix
        shown = Conversations.load(
            options.folder,
            options.limits,
            context=getattr(backbone.config.get_text_config(), "max_position_embeddings", None),
            suffix=head.suffix,
        )
        identity = " ".join(
            (
                f"{kind} {fingerprint(options.folder)} {backbone.dtype} {backbone.device.type}",
                f"{packed} {self.share_prefix} {torch.__version__} {transformers.__version__}",
            )
        )
        super().__init__(shown, options, identity, packed=packed)

    def _pack(self, pair: Pair) -> tuple[PackedPair, bool] | str:
        found = super()._pack(pair)
        if isinstance(found, str):
            return found
        packed, truncated = found
        for ids in conversations(packed):
            if isinstance(why := self.head.places(ids), str):
                return why
        return self._packed(packed), truncated

    def _packed(self, pair: PackedPair) -> PackedPair:
        return pair if self.share_prefix or not self.packed else unshare(pair)

    def _compute(self, batch: Sequence[PackedPair]) -> list[PairScore]:
        return self._within(batch, sum(cost(pair, packed=self.packed) for pair in batch))

    def _within(self, batch: Sequence[PackedPair], budget: int) -> list[PairScore]:
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
            scores |= zip(group, self._within([batch[index] for index in group], budget // 2), strict=True)
        return [scores[index] for index in range(len(batch))]

    @torch.inference_mode()
    def _rewards(self, batch: Sequence[PackedPair]) -> torch.Tensor:
        """Rewards of chosen and rejected, float32 [pairs, 2]."""
        places = [self._places(pair) for pair in batch]
        states = states_at(self.backbone, batch, places, packed=self.packed)
        rewards = self.head(states.flatten(0, 1).float()).view(len(batch), 2).cpu()
        for row, pair in enumerate(batch):
            if alike(pair):
                rewards[row, 1] = rewards[row, 0]
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
