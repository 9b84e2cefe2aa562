"""Families whose reward is a small network on the last hidden state: they differ in the names of their weights.

Formulas and names: reference, sections 1.9 and 3.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from themis.errors import Problem
from themis.prompting.chat import Chat
from themis.score.checkpoint import load_config
from themis.score.head_scorer import HeadScorer
from themis.score.heads import LastState, linear
from themis.score.options import ScorerOptions
from themis.score.scalar.networks import one_reward, stored_linear, stored_network
from themis.score.weights import Weights, load_backbone

_LM_HEAD = "lm_head."  # of a checkpoint saved as a language model; no reward is read from it


def load_ultra(options: ScorerOptions) -> HeadScorer:
    """UltraRM: a Llama under `regression_head`. Raises Problem as `Weights` and `load_backbone` do."""
    return _load(options, "ultra", _regression_head)


def load_eurus(options: ScorerOptions) -> HeadScorer:
    """Eurus-RM: a Mistral under `regression_head`. Raises Problem as `Weights` and `load_backbone` do."""
    return _load(options, "eurus", _regression_head)


def load_athene(options: ScorerOptions) -> HeadScorer:
    """Athene-RM: `v_head` at the tokenizer's CLS token, which ends every conversation. Raises Problem without one."""
    cls = Chat.load(options.folder, needs_template=False).tokenizer.cls_token_id
    if cls is None:
        raise Problem(f"{options.folder}: its tokenizer names no CLS token, at which this family's reward is read")
    return _load(options, "athene", _v_head, suffix=(int(cls),))


def load_starling(options: ScorerOptions) -> HeadScorer:
    """Starling-RM: `v_head`, the backbone stored as `transformer`. Raises Problem as `Weights` and `load_backbone` do."""
    return _load(options, "starling", _v_head, backbone="transformer.")


def load_inform(options: ScorerOptions) -> HeadScorer:
    """INF-ORM: `score`, two layers with a ReLU between them. Raises Problem as `Weights` and `load_backbone` do."""
    return _load(options, "inform", _score)


def load_acecode(options: ScorerOptions) -> HeadScorer:
    """AceCodeRM: `v_head.summary`, linear with a bias. Raises Problem as `Weights` and `load_backbone` do."""
    return _load(options, "acecode", _summary)


def load_grm(options: ScorerOptions) -> HeadScorer:
    """GRM: `v_head.summary`, linear or with hidden layers. Raises Problem as `Weights` and `load_backbone` do."""
    return _load(options, "grm", _summary_of_any_depth)


def load_nemotron(options: ScorerOptions) -> HeadScorer:
    """Nemotron-Reward: the logit of token 0 after the conversation. Raises Problem as `Weights` and `load_backbone` do."""
    folder, weights = options.folder, Weights(options.folder)
    config = load_config(folder)
    backbone = load_backbone(folder, config, lambda name: weights.read(f"model.{name}"), options.dtype)
    tied = config.tie_word_embeddings and "lm_head.weight" not in weights
    row = weights.read_row("model.embed_tokens.weight" if tied else "lm_head.weight", 0)
    weights.close()
    return HeadScorer(backbone, LastState(linear(row)), options, kind="nemotron")


def _load(
    options: ScorerOptions,
    family: str,
    head: Callable[[Weights, int], nn.Module],
    *,
    backbone: str = "model.",
    suffix: tuple[int, ...] = (),
) -> HeadScorer:
    folder, weights = options.folder, Weights(options.folder)
    config = load_config(folder)
    network = one_reward(head(weights, config.hidden_size), folder)
    loaded = load_backbone(folder, config, lambda name: weights.read(backbone + name), options.dtype)
    weights.close(_LM_HEAD)
    return HeadScorer(loaded, LastState(network, suffix), options, kind=family)


def _regression_head(weights: Weights, hidden: int) -> nn.Module:
    return stored_linear(weights, "regression_head", hidden, bias=False)


def _v_head(weights: Weights, hidden: int) -> nn.Module:
    return stored_linear(weights, "v_head", hidden, bias=False)


def _summary(weights: Weights, hidden: int) -> nn.Module:
    return stored_linear(weights, "v_head.summary", hidden, bias=True)


def _summary_of_any_depth(weights: Weights, hidden: int) -> nn.Module:
    if "v_head.summary.weight" in weights:
        return _summary(weights, hidden)
    return stored_network(weights, "v_head.summary", hidden)


def _score(weights: Weights, hidden: int) -> nn.Module:
    return stored_network(weights, "score", hidden)
