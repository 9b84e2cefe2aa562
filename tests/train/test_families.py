"""Every family that Liger has kernels for: it trains packed and is exported, or is refused in a line that says why."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from themis.errors import Problem
from themis.prompting import packing
from themis.prompting.chat import Chat
from themis.train.export import blueprint
from themis.train.model import load_weights, skeleton
from themis.train.train import train

_MOE = {"num_experts_per_tok": 2, "moe_intermediate_size": 24}
_LATENT = {
    "head_dim": 4, "num_key_value_heads": 4, "q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 8, "v_head_dim": 8, "n_routed_experts": 4, "n_shared_experts": 1, "first_k_dense_replace": 1,
    "n_group": 1, "topk_group": 1, **_MOE,
}  # fmt: skip
_ALTERNATING = {"layer_types": ["sliding_attention", "full_attention", "sliding_attention"], "sliding_window": 16}
# Model type and what its smallest configuration needs beside the common values.
TRAINED = {
    "deepseek_v2": _LATENT,
    "exaone4": _ALTERNATING,
    "gemma": {},
    "gemma2": {
        "query_pre_attn_scalar": 8,
        "attn_logit_softcapping": 5.0,
        "final_logit_softcapping": 5.0,
        **_ALTERNATING,
    },
    "gemma3_text": {"query_pre_attn_scalar": 8, **_ALTERNATING},
    "glm4": {"partial_rotary_factor": 0.5},
    "hunyuan_v1_dense": {},
    "hunyuan_v1_moe": {"num_experts": 4, "moe_topk": 2},
    "llama": {},
    "ministral": {"sliding_window": 16},
    "mistral": {"sliding_window": 16},
    "mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "olmo2": {},
    "olmo3": _ALTERNATING,
    "phi3": {"tie_word_embeddings": False},
    "qwen2": {},
    "qwen3": {},
    "qwen3_moe": {"num_experts": 4, **_MOE},
    "smollm3": {"no_rope_layers": [1, 1, 0]},
}
UNTOLD = "nemotron"  # transformers does not hand its attention what the model was given
REFUSED = {
    "deepseek_v3": (_LATENT, "as a buffer"),
    "deepseek_v4": ({}, "layers cannot keep"),
    "falcon_h1": ({}, "hybrid layers cannot keep"),
    "gpt_oss": ({"num_local_experts": 4, "num_hidden_layers": 3}, "sinks"),
    "llama4_text": ({"num_local_experts": 4}, "chunked_attention layers cannot keep"),
    "qwen3_5_moe_text": ({}, "linear_attention layers cannot keep"),
    "qwen3_5_text": ({}, "linear_attention layers cannot keep"),
    "qwen3_next": ({"num_experts": 4, **_MOE}, "linear_attention layers cannot keep"),
    "gemma3": (None, "multimodal"),
    "granite": ({}, "no sequence classifier for granite"),
    "gemma4_text": ({}, "as a buffer"),
}


def write_family(folder, make_base, kind, **changes):
    """A random language model of the family, with the tokenizer the other tests use."""
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    make_base(folder)
    common = {
        "vocab_size": 259, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 512, "initializer_range": 0.2,
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2,
    }  # fmt: skip
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(CONFIG_MAPPING[kind](**{**common, **changes}), dtype=torch.float32)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:  # which begin at one, or at zero where one is added
                parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return folder


def loaded(folder):
    """The reward model of a checkpoint folder, as training computes it."""
    model = skeleton(folder)
    model.load_state_dict(load_weights(folder), strict=False, assign=True)
    model.lm.tie_weights()
    assert not any(parameter.is_meta for parameter in model.parameters())
    return model


@pytest.mark.parametrize("kind", TRAINED)
def test_a_family_trains_packed_and_is_exported_to_score_the_same(
    tmp_path, make_base, make_preferences, make_options, kind
):
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    base = write_family(tmp_path / "base", make_base, kind, **TRAINED[kind])
    options = make_options(tmp_path, make_preferences(tmp_path / "code.parquet", 4), base, epochs=1)
    assert train(options)
    model = loaded(options.export)
    assert len(model.layers) == 3 and {type(layer).__name__ for layer in model.layers} == {_layer_name(model)}

    # The classifier of transformers sees each conversation by itself and computes attention its own way.
    classifier = AutoModelForSequenceClassification.from_pretrained(options.export)
    chat = Chat.load(options.export)
    texts = [("Say a", "ret a", "ret b and more"), ("Say something longer", "b", "")]
    with torch.no_grad():
        batch = packing.collate([packing.pack(chat, "Be fair.", *text) for text in texts])
        rewards, _ = model(batch)
        alone = [
            [
                classifier(torch.tensor([chat.conversation("Be fair.", text[0], text[side])])).logits.item()
                for side in (1, 2)
            ]
            for text in texts
        ]
    assert rewards.abs().max() > 1e-3
    torch.testing.assert_close(rewards, torch.tensor(alone), rtol=1e-5, atol=1e-5)

    # The language-model loss is that of the logits transformers computes, whatever it does to them.
    lm, expected = AutoModelForCausalLM.from_pretrained(base), 0.0
    with torch.no_grad():
        for text in texts:
            ids = torch.tensor([chat.conversation("Be fair.", *text[:2])])
            start = len(chat.prompt("Be fair.", text[0]))
            expected += cross_entropy(lm(ids).logits[0, start - 1 : -1], ids[0, start:], reduction="sum")
        _, token_loss = loaded(base)(batch)
    torch.testing.assert_close(token_loss, expected, rtol=1e-5, atol=1e-5)


def _layer_name(model):
    """As transformers names the blocks that are not to be split."""
    [name] = {name for name in model.lm._no_split_modules if "DecoderLayer" in name}
    return name


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_packed_or_exported_is_refused_in_a_line(tmp_path, make_base, kind):
    from transformers import CONFIG_MAPPING

    changes, said = REFUSED[kind]
    base = make_base(tmp_path / "base")
    CONFIG_MAPPING[kind](**changes or {}).save_pretrained(base)
    with pytest.raises(Problem, match=said) as problem:
        blueprint(base, skeleton(base))
    assert "\n" not in str(problem.value)


def test_an_attention_that_is_not_told_of_the_packing_is_refused(tmp_path, make_base):
    base = write_family(tmp_path / "base", make_base, UNTOLD)
    batch = packing.collate([packing.pack(Chat.load(base), None, "a", "b", "c")])
    with pytest.raises(Problem, match="NemotronAttention is not told"):
        loaded(base)(batch)
