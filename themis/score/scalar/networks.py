"""Networks of linear layers, as wide as the weights they are stored as."""

from __future__ import annotations

from torch import nn

from themis.errors import Problem
from themis.score.weights import Weights


def stored_linear(weights: Weights, at: str, inputs: int, *, bias: bool) -> nn.Linear:
    """The layer of so many inputs stored as `at`. Raises Problem where weight or bias is missing or misshapen."""
    layer = nn.Linear(inputs, weights.shape(f"{at}.weight")[0], bias=bias, device="meta")
    weights.fill(layer, f"{at}.")
    return layer


def stored_network(
    weights: Weights, at: str, inputs: int, *, step: int = 2, activation: type[nn.Module] = nn.ReLU
) -> nn.Sequential:
    """The layers stored as `at`.0, `at`.`step` ..., with biases, and an activation after each but the last.

    Between them are places of layers without weights. Raises Problem where a weight or bias is missing or misshapen.
    """
    layers: list[nn.Module] = []
    for number in range(max(1, len(weights.names(f"{at}.")) // 2)):
        layer = stored_linear(weights, f"{at}.{step * number}", inputs, bias=True)
        layers += [layer, activation()]
        inputs = layer.out_features
    return nn.Sequential(*layers[:-1])


def one_reward(network: nn.Module, folder: object) -> nn.Module:
    """The network, if it gives one number. Raises Problem otherwise."""
    last = network if isinstance(network, nn.Linear) else list(network.children())[-1]
    if last.out_features != 1:
        raise Problem(f"{folder}: its head gives {last.out_features} numbers; a reward is one")
    return network
