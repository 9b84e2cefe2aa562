"""Every scalar family: the published names and shapes of its weights, and its formula, written by hand.

A formula is given a plain backbone of transformers and the stored weights, and computes one sequence of ids at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch.nn import functional as F
from transformers import Gemma2Config, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

H, OBJECTIVES, QUANTILES, WIDTH = 32, 5, 19, 24
_GATES = {"num_objectives": OBJECTIVES, "num_quantiles": QUANTILES, "gating_hidden_dim": WIDTH, "gating_n_hidden": 3}


@dataclass(frozen=True)
class Family:
    """A family's configuration, tokenizer, weights beside the backbone's, and formula (backbone, weights, ids) -> reward."""

    config: Any
    settings: dict[str, Any]
    tokenizer: str
    head: dict[str, tuple[int, ...]]
    formula: Any
    prefix: str = "model."


def last(backbone, ids):
    return backbone(input_ids=torch.tensor([ids])).last_hidden_state[0, -1]


def _score(backbone, w, ids):
    return w["score.weight"] @ last(backbone, ids)


def _regression_head(backbone, w, ids):
    return w["regression_head.weight"] @ last(backbone, ids)


def _v_head(backbone, w, ids):
    return w["v_head.weight"] @ last(backbone, ids)


def _athene(backbone, w, ids):
    return w["v_head.weight"] @ last(backbone, [*ids, 128003])


def _internlm(backbone, w, ids):
    return w["v_head.weight"] @ last(backbone, [*ids, 7])


def _inform(backbone, w, ids):
    inner = F.relu(F.linear(last(backbone, ids), w["score.0.weight"], w["score.0.bias"]))
    return F.linear(inner, w["score.2.weight"], w["score.2.bias"])


def _summary(backbone, w, ids):
    return F.linear(last(backbone, ids), w["v_head.summary.weight"], w["v_head.summary.bias"])


def _summary_mlp(backbone, w, ids):
    inner = F.relu(F.linear(last(backbone, ids), w["v_head.summary.0.weight"], w["v_head.summary.0.bias"]))
    return F.linear(inner, w["v_head.summary.2.weight"], w["v_head.summary.2.bias"])


def _nemotron(backbone, w, ids):
    return (w["lm_head.weight"] @ last(backbone, ids))[0]


def _at_gate(backbone, ids, pattern):
    starts = [at for at in range(len(ids)) if ids[at : at + len(pattern)] == pattern]
    return backbone(input_ids=torch.tensor([ids])).last_hidden_state[0, starts[-1]]


def _armo(backbone, w, ids):
    gate = _at_gate(backbone, ids, [128009, 128006, 78191, 128007, 271])
    for index in range(4):
        gate = F.linear(gate, w[f"gating.layers.{index}.weight"], w[f"gating.layers.{index}.bias"])
        gate = F.relu(gate) if index < 3 else gate
    objectives = (w["regression_layer.weight"] @ last(backbone, ids)) @ w["reward_transform_matrix"]
    return torch.dot(torch.softmax(gate / 3.0, 0) * w["gating.logit_scale"][0], objectives)


def _norm_gate(gate, w, linears, norms):
    for linear, norm in zip(linears, norms, strict=True):
        gate = F.relu(w[f"gating.layers.{linear}.weight"] @ gate)
        mean, variance = w[f"gating.layers.{norm}.running_mean"], w[f"gating.layers.{norm}.running_var"]
        gate = (gate - mean) / torch.sqrt(variance + 1e-5)
        gate = gate * w[f"gating.layers.{norm}.weight"] + w[f"gating.layers.{norm}.bias"]
    return gate


def _means(backbone, w, ids):
    return (w["regression_layer.weight"] @ last(backbone, ids)).reshape(OBJECTIVES, QUANTILES).mean(1)


def _qrm_llama(backbone, w, ids):
    gate = _norm_gate(_at_gate(backbone, ids, [128009, 128006, 78191, 128007, 271]), w, (0, 3, 6), (2, 5, 8))
    gate = F.linear(gate, w["gating.layers.9.weight"], w["gating.layers.9.bias"])
    return torch.dot(torch.softmax(gate / 3.0, 0), _means(backbone, w, ids))


def _qrm(backbone, w, ids):
    gate = _norm_gate(_at_gate(backbone, ids, [107, 108, 106, 2516, 108]), w, (0, 4, 8), (2, 6, 10))
    gate = F.linear(gate, w["gating.layers.11.weight"], w["gating.layers.11.bias"])
    return torch.dot(torch.softmax(gate, 0) * w["gating.logit_scale"][0], _means(backbone, w, ids))


def _ldl(backbone, w, ids):
    grades, gate = last(backbone, ids), last(backbone, ids)
    for step, name in ((2, "regression"), (3, "gating")):
        value = grades if name == "regression" else gate
        for index in range(3):
            at = f"{name}_layer.network.{step * index}"
            value = F.linear(value, w[f"{at}.weight"], w[f"{at}.bias"])
            value = torch.where(value > 0, value, 0.01 * value) if index < 2 else value
        grades, gate = (value, gate) if name == "regression" else (grades, value)
    shares = torch.softmax(grades.reshape(22, 10), 1)
    gate = torch.softmax(gate / 2.0, 0)
    return sum(k / 9 * sum(gate[o] * shares[o, k] for o in range(22)) for k in range(10))


def _gating(linears, norms, final):
    shapes = {"regression_layer.weight": (OBJECTIVES * QUANTILES, H)}
    for number, (linear, norm) in enumerate(zip(linears, norms, strict=True)):
        shapes[f"gating.layers.{linear}.weight"] = (WIDTH, H if number == 0 else WIDTH)
        shapes |= {
            f"gating.layers.{norm}.{name}": (WIDTH,) for name in ("weight", "bias", "running_mean", "running_var")
        }
        shapes[f"gating.layers.{norm}.num_batches_tracked"] = ()
    return shapes | {f"gating.layers.{final}.weight": (OBJECTIVES, WIDTH), f"gating.layers.{final}.bias": (OBJECTIVES,)}


def _mlp(at, sizes, step):
    shapes = {}
    for number, (inputs, outputs) in enumerate(pairwise(sizes)):
        shapes |= {f"{at}.{step * number}.weight": (outputs, inputs), f"{at}.{step * number}.bias": (outputs,)}
    return shapes


_ARMO = {
    "regression_layer.weight": (OBJECTIVES, H), "reward_transform_matrix": (OBJECTIVES, OBJECTIVES),
    "gating.logit_scale": (1,), **_mlp("gating.layers", (H, WIDTH, WIDTH, WIDTH, OBJECTIVES), 1),
}  # fmt: skip
_LDL = _mlp("regression_layer.network", (H, 40, 40, 220), 2) | _mlp("gating_layer.network", (H, 40, 40, 22), 3)
_GEMMA = {"query_pre_attn_scalar": 8, "attn_logit_softcapping": 2.0, "sliding_window": 40}
FAMILIES = {
    "sequence_classifier": Family(Qwen3Config, {"num_labels": 1}, "chatml", {"score.weight": (1, H)}, _score),
    "remote_code": Family(MistralConfig, {"sliding_window": None}, "chatml", {"score.weight": (1, H)}, _score),
    "ultra": Family(LlamaConfig, {}, "chatml", {"regression_head.weight": (1, H)}, _regression_head),
    "eurus": Family(
        MistralConfig, {"sliding_window": None}, "chatml", {"regression_head.weight": (1, H)}, _regression_head
    ),
    "athene": Family(LlamaConfig, {}, "llama", {"v_head.weight": (1, H)}, _athene),
    "starling": Family(LlamaConfig, {}, "chatml", {"v_head.weight": (1, H)}, _v_head, "transformer."),
    "inform": Family(LlamaConfig, {"num_labels": 1}, "llama", _mlp("score", (H, H, 1), 2), _inform),
    "acecode": Family(
        Qwen2Config,
        {},
        "chatml",
        {"v_head.summary.weight": (1, H), "v_head.summary.bias": (1,), "lm_head.weight": (300, H)},
        _summary,
    ),
    "grm": Family(LlamaConfig, {}, "llama", _mlp("v_head.summary", (H, 16, 1), 2), _summary_mlp),
    "nemotron": Family(LlamaConfig, {}, "chatml", {"lm_head.weight": (300, H)}, _nemotron),
    "armo": Family(LlamaConfig, {**_GATES, "gating_temperature": 3.0}, "llama", _ARMO, _armo),
    "qrm_llama": Family(
        LlamaConfig, {**_GATES, "gating_temperature": 3.0}, "llama", _gating((0, 3, 6), (2, 5, 8), 9), _qrm_llama
    ),
    "qrm": Family(
        Gemma2Config,
        {**_GATES, **_GEMMA},
        "gemma",
        {**_gating((0, 4, 8), (2, 6, 10), 11), "gating.logit_scale": (1,)},
        _qrm,
    ),
    "ldl": Family(Gemma2Config, {**_GEMMA, "num_objectives": 220, "softmax": True}, "gemma", _LDL, _ldl),
    "internlm": Family(LlamaConfig, {}, "chatml", {"v_head.weight": (1, H)}, _internlm),
}
