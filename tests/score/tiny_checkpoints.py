"""Tiny random checkpoints of the scalar families, written under the published weight names, and their tokenizers."""

from __future__ import annotations

import json

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoModel, PreTrainedTokenizerFast

from tests.score.tiny_families import FAMILIES, H

_SIZES = {
    "hidden_size": H, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 4096, "tie_word_embeddings": False,
}  # fmt: skip
_CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_LLAMA = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n{{ m['content'] }}"
    "<|eot_id|>{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
_GEMMA = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n{{ m['content'] }}<end_of_turn>\n"
    "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
# Template, named tokens (pad is what ends a turn, unless named; ChatML has no BOS), other tokens of fixed ids, base id
# of the bytes, size of the vocabulary.
_TOKENIZERS: dict[str, tuple[str, dict[str, str], dict[str, int], int, int]] = {
    "chatml": (_CHATML, {"eos_token": "<|im_end|>", "pad_token": "<|im_end|>"}, {"<|im_start|>": 1, "<|im_end|>": 2}, 10, 300),
    "llama": (
        _LLAMA,
        {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>", "pad_token": "<|eot_id|>", "cls_token": "<|cls|>"},
        {"<|begin_of_text|>": 128000, "<|cls|>": 128003, "<|start_header_id|>": 128006, "<|end_header_id|>": 128007,
         "<|eot_id|>": 128009, "assistant": 78191, "\n\n": 271},
        300,
        128256,
    ),
    "gemma": (
        _GEMMA,
        {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>"},
        {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<start_of_turn>": 106, "<end_of_turn>": 107, "Ċ": 108, "model": 2516},
        200,
        2600,
    ),
}  # fmt: skip


_CODE = """
import torch
from torch import nn
from transformers import MistralModel, MistralPreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutputWithPast


class TinyReward(MistralPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.model = MistralModel(config)
        self.score = nn.Linear(config.hidden_size, 1, bias=False)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, **_):
        hidden = self.model(input_ids, attention_mask=attention_mask).last_hidden_state
        pad = (input_ids == self.config.pad_token_id).int()  # looks for its end as published models do
        end = (pad.argmax(-1) - 1) % input_ids.shape[-1] if input_ids.shape[0] > 1 else torch.tensor([-1])
        return SequenceClassifierOutputWithPast(logits=self.score(hidden)[torch.arange(len(end)), end])
"""


def write(name, folder, *, side="right", template=None):
    """A checkpoint of a family in `folder`; returns its backbone, its weights by their stored names, its tokenizer."""
    family = FAMILIES[name]
    tokenizer = make_tokenizer(family.tokenizer, side)
    if template is not None:
        tokenizer.chat_template = template
    size = _TOKENIZERS[family.tokenizer][-1]
    config = family.config(
        vocab_size=size, **_SIZES | family.settings, pad_token_id=tokenizer.pad_token_id, attn_implementation="eager"
    )
    torch.manual_seed(len(name))
    backbone = AutoModel.from_config(config, attn_implementation="eager").eval().requires_grad_(False)
    for parameter in backbone.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
        if parameter.ndim == 1 and name not in ("qrm", "ldl"):
            parameter.add_(1)  # a norm's; in Gemma they count from one
    weights = {key: _drawn(key, shape) for key, shape in family.head.items()}
    stored = {family.prefix + key: value.clone() for key, value in backbone.state_dict().items()} | weights
    folder.mkdir(parents=True)
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if name == "internlm":
        stored = weights | _as_internlm(backbone)
        scaling = {"type": "dynamic", "factor": 2.0}
        edit_config(
            folder, model_type="internlm2", reward_token_id=7, rope_theta=10_000.0, bias=False, rope_scaling=scaling
        )
    if name == "remote_code":
        (folder / "modeling_tiny.py").write_text(_CODE)
        edit_config(folder, auto_map={"AutoModel": "modeling_tiny.TinyReward"})
    if name == "ldl":
        for part in ("regression_layer", "gating_layer"):
            own = {key.removeprefix(f"{part}."): stored.pop(key) for key in weights if key.startswith(part)}
            save_file(own, folder / f"{part}.safetensors")
        edit_config(folder, temperature=2.0)  # transformers writes no configuration with such a word
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    return backbone, weights, tokenizer


def edit_config(folder, **settings):
    """Write other settings into a checkpoint's configuration."""
    given = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(given | settings))


def make_tokenizer(kind, side="right"):
    """Bytes as tokens beside those of fixed ids; every tokenizer with a BOS puts one before what it encodes."""
    template, named, fixed, base, _ = _TOKENIZERS[kind]
    alphabet = (token for token in sorted(pre_tokenizers.ByteLevel.alphabet()) if token not in fixed)
    vocabulary = fixed | {token: base + index for index, token in enumerate(alphabet)}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = [token for token in fixed if token.startswith("<")]
    core.add_special_tokens(special)
    core.add_tokens([AddedToken(token, normalized=False) for token in fixed if token not in special and len(token) > 1])
    if "bos_token" in named:
        core.post_processor = processors.TemplateProcessing(
            single=f"{named['bos_token']} $A", special_tokens=[(named["bos_token"], fixed[named["bos_token"]])]
        )
    made = PreTrainedTokenizerFast(
        tokenizer_object=core, padding_side=side, model_input_names=["input_ids", "attention_mask"], **named
    )
    made.chat_template = template
    return made


def _drawn(name, shape):
    if name.endswith("num_batches_tracked"):
        return torch.tensor(7)
    value = torch.randn(shape) * 0.2
    return value.abs() + 0.5 if name.endswith(("running_var", "logit_scale")) else value


def _as_internlm(backbone):
    """Llama's weights under InternLM2's names; for each key head its query heads, then its key, then its value."""
    names = {
        "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.up_proj": "feed_forward.w3",
        "mlp.down_proj": "feed_forward.w2", "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm",
    }  # fmt: skip
    state = backbone.state_dict()
    stored = {"model.tok_embeddings.weight": state["embed_tokens.weight"], "model.norm.weight": state["norm.weight"]}
    for index in range(2):
        at = f"layers.{index}"
        stored |= {f"model.{at}.{new}.weight": state[f"{at}.{old}.weight"] for old, new in names.items()}
        query, key, value = (state[f"{at}.self_attn.{part}_proj.weight"].split(8) for part in "qkv")
        rows = [[query[2 * head], query[2 * head + 1], key[head], value[head]] for head in range(2)]
        stored[f"model.{at}.attention.wqkv.weight"] = torch.cat([part for parts in rows for part in parts])
    return stored
