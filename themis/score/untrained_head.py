"""The baseline "untrained base": a causal language model under a random head that nothing was ever trained on.

It shows what the base's last hidden state gives away without training. A head of zeros would tie every pair.
"""

from __future__ import annotations

import torch
from transformers import AutoModelForCausalLM

from themis.chance import digest
from themis.score.checkpoint import load_config, load_model
from themis.score.head_scorer import HeadScorer
from themis.score.heads import LastState, linear
from themis.score.options import ScorerOptions


def load(options: ScorerOptions) -> HeadScorer:
    """The scorer of a causal language model's folder with a head drawn from the seed. Raises Problem as loading does."""
    model = load_model(AutoModelForCausalLM, options.folder, load_config(options.folder), options.dtype)
    head = random_head(model.config.get_text_config().hidden_size, options.seed)
    return HeadScorer(model.base_model, LastState(linear(head[None])), options, kind=f"untrained_head {options.seed}")


def random_head(hidden: int, seed: int) -> torch.Tensor:
    """Normal weights of variance 1 / hidden, float32 [hidden], the same on every machine."""
    generator = torch.Generator().manual_seed(digest(seed, "untrained head", str(hidden)) >> 1)
    return torch.randn(hidden, generator=generator) / hidden**0.5
