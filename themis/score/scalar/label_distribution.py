"""LDL-Reward on Gemma 2: a distribution over ten grades per objective, weighed by a gate on the same hidden state.

The reward is the mean grade of the mixture: the sum over k of k/9 times the sum over o of w_o p_ok.
Formula and names: reference, sections 1.9 and 3.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from themis.errors import Problem
from themis.score.checkpoint import load_config, read_settings
from themis.score.head_scorer import HeadScorer
from themis.score.heads import Head
from themis.score.options import ScorerOptions
from themis.score.scalar.networks import stored_network
from themis.score.weights import Weights, load_backbone

_GRADES = 10


class LabelDistribution(Head):
    """Two networks on the last state: logits of the grades [objectives x 10], and weights [objectives].

    `temperature` is that of a softmax over the weights; without one they are taken as they come.
    """

    def __init__(self, regression: nn.Module, gating: nn.Module, temperature: float | None) -> None:
        super().__init__()
        self.regression = regression
        self.gating = gating
        self.temperature = temperature
        self.register_buffer("grades", torch.linspace(0, 1, _GRADES))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Rewards [N] of states [N, 1, hidden]."""
        last = states[:, 0]
        shares = self.regression(last).unflatten(-1, (-1, _GRADES)).softmax(dim=-1)
        weights = self.gating(last)
        if self.temperature is not None:
            weights = torch.softmax(weights / self.temperature, dim=-1)
        return torch.einsum("no,nog,g->n", weights, shares, self.grades)


def load(options: ScorerOptions) -> HeadScorer:
    """The scorer of a checkpoint folder that holds both networks in safetensors beside the backbone.

    Raises Problem where they are stored as pickles only, and as `Weights` and `load_backbone` do.
    """
    folder, weights = options.folder, Weights(options.folder)
    config = load_config(folder)
    hidden = config.hidden_size
    networks = [_network(folder, part, hidden, step) for part, step in (("regression_layer", 2), ("gating_layer", 3))]
    settings = read_settings(folder)  # transformers takes the temperature for one of sampling and drops it
    head = LabelDistribution(*networks, settings.get("temperature", 1.0) if settings.get("softmax") else None)
    backbone = load_backbone(folder, config, lambda name: weights.read(_stored(weights, name)), options.dtype)
    weights.close()
    return HeadScorer(backbone, head, options, kind="ldl")


def _network(folder: Path, part: str, hidden: int, step: int) -> nn.Sequential:
    file = folder / f"{part}.safetensors"
    if not file.is_file():
        if (folder / f"{part}.pt").is_file():
            raise Problem(
                f"{folder / part}.pt: pickles are not read; store it as {file.name}: "
                "safetensors.torch.save_file(torch.load(..., weights_only=True), ...)"
            )
        raise Problem(f"{file}: no such file; is this the checkpoint the family asks for?")
    weights = Weights(folder, [file])
    network = stored_network(weights, "network", hidden, step=step, activation=nn.LeakyReLU)
    weights.close()
    return network


def _stored(weights: Weights, name: str) -> str:
    return name if name in weights else f"model.{name}"
