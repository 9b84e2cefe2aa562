"""The baseline "untrained base": a causal language model under a random head that nothing was ever trained on.

It shows what the base's last hidden state gives away without training. A head of zeros would tie every pair.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from themis.chance import digest
from themis.generation.checkpoint import fingerprint
from themis.prompting.chat import Chat
from themis.score.checkpoint import load_config, load_model
from themis.score.linear_head import Limits, LinearHeadScorer

if TYPE_CHECKING:
    import torch


def load_untrained_head(
    folder: Path,
    limits: Limits,
    *,
    seed: int,
    dtype: str = "float32",
    cache: Path | None = None,
    share_prefix: bool | None = None,
) -> LinearHeadScorer:
    """The scorer of a causal language model's folder with a head drawn from the seed. Raises Problem as loading does."""
    from transformers import AutoModelForCausalLM

    model = load_model(AutoModelForCausalLM, folder, load_config(folder), dtype)
    return LinearHeadScorer(
        model.base_model,
        random_head(model.config.get_text_config().hidden_size, seed),
        Chat.load(folder),
        limits,
        fingerprint=f"untrained_head {seed} {fingerprint(folder)}",
        cache=cache,
        share_prefix=share_prefix,
    )


def random_head(hidden: int, seed: int) -> torch.Tensor:
    """Normal weights of variance 1 / hidden, float32 [hidden], the same on every machine."""
    import torch

    generator = torch.Generator().manual_seed(digest(seed, "untrained head", str(hidden)) >> 1)
    return torch.randn(hidden, generator=generator) / hidden**0.5
