"""Families whose reward is a mixture of objectives, weighed by a gate that reads the prompt.

r, the objectives, come from the last hidden state; g, their weights, from the state where the last turn begins to be
handed to the assistant. The reward is the sum of softmax(g / T) s r. Formulas and names: reference, 1.9 and 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from themis.score.checkpoint import load_config
from themis.score.head_scorer import HeadScorer
from themis.score.heads import Head
from themis.score.options import ScorerOptions
from themis.score.protocol import NO_GATE
from themis.score.scalar.networks import stored_linear
from themis.score.weights import Weights, load_backbone

LLAMA_GATE = (128009, 128006, 78191, 128007, 271)  # the turn's end, "assistant" between its two marks, two newlines
GEMMA_GATE = (107, 108, 106, 2516, 108)  # the turn's end, a newline, its start, "model", a newline
_PUBLISHED = {
    "num_objectives": 19,
    "num_quantiles": 19,
    "gating_n_hidden": 3,
    "gating_hidden_dim": 1024,
    "gating_temperature": 10.0,
}


class Gated(Head):
    """Objectives, the gate's layers and what the objectives become before they are weighed."""

    def __init__(
        self, regression: nn.Module, gating: nn.Sequential, pattern: tuple[int, ...], *, temperature: float
    ) -> None:
        super().__init__()
        self.regression_layer = regression
        self.gating = gating
        self.pattern = np.asarray(pattern)
        self.temperature = temperature
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("transform", None)  # [objectives, objectives]

    def places(self, ids: np.ndarray) -> tuple[int, ...] | str:
        """Where the last gate pattern begins, and the last position."""
        if len(ids) < len(self.pattern):
            return NO_GATE
        windows = np.lib.stride_tricks.sliding_window_view(ids, len(self.pattern))
        found = np.flatnonzero((windows == self.pattern).all(axis=1))
        return (int(found[-1]), len(ids) - 1) if len(found) else NO_GATE

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Rewards [N] of states [N, 2, hidden]."""
        gate, last = states[:, 0], states[:, 1]
        weights = torch.softmax(self.gating(gate) / self.temperature, dim=-1) * self.scale
        objectives = self.regression_layer(last)
        objectives = objectives.unflatten(-1, (weights.shape[-1], -1)).mean(dim=-1)  # over quantiles, if there are any
        if self.transform is not None:
            objectives = objectives @ self.transform
        return (weights * objectives).sum(dim=-1)


def load_armo(options: ScorerOptions) -> HeadScorer:
    """ArmoRM on Llama: the objectives times a matrix; the weights times a scale. Raises Problem as `Weights` does."""
    weights, config = Weights(options.folder), load_config(options.folder)
    inputs, layers = config.hidden_size, []
    for number in range(_of(config, "gating_n_hidden") + 1):
        layers += [stored_linear(weights, f"gating.layers.{number}", inputs, bias=True), nn.ReLU()]
        inputs = layers[-2].out_features
    gating = nn.Sequential(*layers[:-1])
    regression = _regression(weights, config, inputs)
    head = Gated(regression, gating, LLAMA_GATE, temperature=_of(config, "gating_temperature"))
    head.scale = weights.read("gating.logit_scale").float().reshape(())
    head.transform = weights.read("reward_transform_matrix").float()
    return _scorer(options, weights, config, head, "armo")


def load_qrm_llama(options: ScorerOptions) -> HeadScorer:
    """QRM on Llama: quantiles averaged, a gate with batch norms; a stored scale is not applied. Raises Problem."""
    weights, config = Weights(options.folder), load_config(options.folder)
    gate = _quantiles(weights, config, dropout=False)
    head = Gated(*gate, LLAMA_GATE, temperature=_of(config, "gating_temperature"))
    return _scorer(options, weights, config, head, "qrm_llama", "gating.logit_scale")


def load_qrm(options: ScorerOptions) -> HeadScorer:
    """QRM on Gemma 2: as on Llama, with dropout in training and the scale applied. Raises Problem as `Weights` does."""
    weights, config = Weights(options.folder), load_config(options.folder)
    temperature = getattr(config, "gating_temperature", 1.0)
    head = Gated(*_quantiles(weights, config, dropout=True), GEMMA_GATE, temperature=temperature)
    if "gating.logit_scale" in weights:  # it starts at 1 and is stored once it is trained
        head.scale = weights.read("gating.logit_scale").float().reshape(())
    return _scorer(options, weights, config, head, "qrm")


def _quantiles(weights: Weights, config: Any, *, dropout: bool) -> tuple[nn.Module, nn.Sequential]:
    """Objectives x quantiles, and the gate: linear, ReLU and batch norm, thrice as a rule, then linear."""
    hidden, width, objectives = (
        _of(config, name) for name in ("gating_n_hidden", "gating_hidden_dim", "num_objectives")
    )
    inputs, layers = config.hidden_size, []
    for number in range(hidden):
        layers += [nn.Linear(inputs, width, bias=False), nn.ReLU(), nn.BatchNorm1d(width)]
        if dropout and number < hidden - 1:
            layers.append(nn.Dropout())  # has no weights and does nothing in evaluation, but takes a place
        inputs = width
    gating = nn.Sequential(*layers, nn.Linear(inputs, objectives))
    weights.fill(gating, "gating.layers.")
    return _regression(weights, config, objectives * _of(config, "num_quantiles")), gating


def _regression(weights: Weights, config: Any, outputs: int) -> nn.Module:
    layer = nn.Linear(config.hidden_size, outputs, bias=False)
    weights.fill(layer, "regression_layer.")
    return layer


def _of(config: Any, name: str) -> Any:
    """A setting of the gate; where the configuration does not say, as the published code has it."""
    return getattr(config, name, _PUBLISHED[name])


def _scorer(options: ScorerOptions, weights: Weights, config: Any, head: Gated, family: str, *spare: str) -> HeadScorer:
    backbone = load_backbone(options.folder, config, lambda name: weights.read(f"model.{name}"), options.dtype)
    weights.close(*spare)
    return HeadScorer(backbone, head, options, kind=family)
