"""What the model makes of the pairs held out: the terms of the loss, accuracy, and accuracy that length cannot buy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from themis.prompting import packing
from themis.train import parallel, plan
from themis.train.loss import step_loss
from themis.train.parallel import Group
from themis.train.watch import Row, means

if TYPE_CHECKING:
    from themis.train.data import TokenizedPairs
    from themis.train.model import RewardModel
    from themis.train.options import Options

PREFIX = "held_out_"


def evaluate(options: Options, model: RewardModel, group: Group, pairs: TokenizedPairs) -> Row:
    """`watch.means` over all pairs and the length-controlled accuracy, each name after `held_out_`; every process calls.

    The forward pass and the loss are those of training, without gradient; how the pairs are cut does not matter but for
    rounding. The same row in every process.
    """
    everyone, lengths = range(len(pairs)), pairs.lengths(options.share_prefix)
    tokens = int(pairs.completions.sum())
    sums = 0
    rewards = torch.zeros(len(pairs), 2, dtype=torch.float64, device=group.device)
    with torch.no_grad():
        for micro in plan.deal(everyone, lengths, group.size, options.batch_tokens)[group.rank]:
            batch = packing.collate([pairs.packed(i, options.share_prefix) for i in micro.pairs]).to(group.device)
            given, token_loss = model(batch, with_lm=options.uses_lm)
            _, part = step_loss(given, token_loss, pairs=len(pairs), tokens=tokens, **options.loss)
            sums = sums + part * micro.weight
            rewards[list(micro.pairs)] += given.double() * micro.weight
    parallel.reshard(model)
    row = means(options, parallel.total(sums).tolist(), pairs=len(pairs), tokens=tokens)
    chosen, rejected = parallel.total(rewards).cpu().numpy().T
    controlled = length_controlled(chosen, rejected, pairs.chosen, pairs.rejected)
    if controlled is not None:
        row["length_controlled_accuracy"] = controlled
    return {f"{PREFIX}{name}": value for name, value in row.items()}


def length_controlled(
    chosen: np.ndarray, rejected: np.ndarray, chosen_tokens: np.ndarray, rejected_tokens: np.ndarray
) -> float | None:
    """The mean of two accuracies: over the pairs whose chosen side has more tokens, and over those where it has fewer.

    A tie is half a win. Who takes the longer response always, or the shorter one, gets 0.5. None where one of the two
    has no pairs.
    """
    won = (chosen > rejected) + 0.5 * (chosen == rejected)
    parts = [won[chosen_tokens > rejected_tokens], won[chosen_tokens < rejected_tokens]]
    if not all(len(part) for part in parts):
        return None
    return float(np.mean([part.mean() for part in parts]))
