"""What can be wrong with a checkpoint, a tokenizer or a text: a line that says so, a reason, or no harm at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.score.scorers import load
from tests.score.test_scalar_families import apart, by_hand
from tests.score.tiny_checkpoints import edit_config, write
from tests.score.tiny_families import FAMILIES, H
from themis.errors import Problem
from themis.score.scalar.internlm import split

_TOLERANCE = 5e-6


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "model"


def changed(folder, **weights):
    """Write a checkpoint's weights anew: those given put in place, those given as None left out."""
    stored = load_file(folder / "model.safetensors") | weights
    kept = {name: value for name, value in stored.items() if value is not None}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("family", "weights", "words"),
    [
        ("ultra", {"regression_head.weight": None}, "missing weights: regression_head"),
        ("ultra", {"model.layers.1.mlp.up_proj.weight": None}, r"missing weights: model\.layers\.1\.mlp"),
        (
            "eurus",
            {"regression_head.weight": torch.zeros(1, 31)},
            r"mismatched weights: regression_head\.weight is \[1, 31\]",
        ),
        ("ultra", {"regression_head.weight": torch.zeros(2, H)}, "gives 2 numbers"),
        ("starling", {"model.extra": torch.zeros(1)}, r"unexpected weights: model\.extra"),
        ("acecode", {"v_head.summary.bias": None}, r"missing weights: v_head\.summary\.bias"),
        ("grm", {"v_head.summary.0.bias": None}, r"missing weights|unexpected weights"),
        ("nemotron", {"lm_head.weight": None}, r"missing weights: lm_head\.weight"),
        ("nemotron", {"v_head.weight": torch.zeros(1, H)}, r"unexpected weights: v_head"),
        ("internlm", {"model.layers.0.attention.wqkv.weight": torch.zeros(24, H)}, r"mismatched weights: layers\.0"),
        ("qrm", {"gating.layers.6.running_mean": None}, r"missing weights: gating\.layers\.6\.running_mean"),
        ("ldl", {"score.weight": torch.zeros(1, H)}, r"unexpected weights: score\.weight"),
    ],
)
def test_a_weight_too_few_too_many_or_misshapen_is_an_error(family, weights, words, folder):
    write(family, folder)
    changed(folder, **weights)
    with pytest.raises(Problem, match=words) as caught:
        load(folder, family)
    assert "\n" not in str(caught.value)


def test_code_of_a_model_runs_only_where_its_line_allows_it(folder):
    write("remote_code", folder)
    (folder / "modeling_tiny.py").write_text("raise SystemExit('it ran')")
    with pytest.raises(Problem, match="trust_remote_code"):
        load(folder, "remote_code")


def test_pickled_networks_are_not_read(folder):
    write("ldl", folder)
    (folder / "gating_layer.safetensors").rename(folder / "gating_layer.pt")
    with pytest.raises(Problem, match=r"gating_layer\.pt: pickles are not read"):
        load(folder, "ldl")


def test_a_mixture_without_softmax_takes_its_weights_as_they_come(folder, pairs):
    backbone, weights, tokenizer = write("ldl", folder)
    edit_config(folder, softmax=False)

    def formula(backbone, w, ids):
        state, logits = backbone(input_ids=torch.tensor([ids])).last_hidden_state[0, -1], {}
        for step, part in ((2, "regression_layer"), (3, "gating_layer")):
            value = state
            for index in range(3):
                value = w[f"{part}.network.{step * index}.weight"] @ value + w[f"{part}.network.{step * index}.bias"]
                value = torch.nn.functional.leaky_relu(value) if index < 2 else value
            logits[part] = value
        shares = logits["regression_layer"].view(22, 10).softmax(1)
        return (logits["gating_layer"] @ shares) @ torch.arange(10.0) / 9

    expected = by_hand((backbone, weights, tokenizer), formula, pairs)
    assert apart(load(folder, "ldl", prompt_mode="none").score(pairs), expected) <= _TOLERANCE


def test_a_tied_model_reads_its_reward_from_the_embedding(folder, pairs):
    backbone, _, tokenizer = write("nemotron", folder)
    changed(folder, **{"lm_head.weight": None})
    edit_config(folder, tie_word_embeddings=True)
    tied = {"lm_head.weight": backbone.embed_tokens.weight}
    expected = by_hand((backbone, tied, tokenizer), FAMILIES["nemotron"].formula, pairs)
    assert apart(load(folder, "nemotron", prompt_mode="none").score(pairs), expected) <= _TOLERANCE


def test_a_conversation_without_the_gate_is_missing_for_that_reason(folder, pairs):
    _, _, tokenizer = write("armo", folder, template="{% for m in messages %}{{ m['content'] }}{% endfor %}")
    assert tokenizer.chat_template
    results = dict(load(folder, "armo", prompt_mode="none").score(pairs[:2]))
    assert {score.missing_reason for score in results.values()} == {"no gate token"}


def test_a_scale_that_is_stored_but_not_applied_changes_nothing(folder, pairs):
    written = write("qrm_llama", folder)
    changed(folder, **{"gating.logit_scale": torch.tensor([5.0])})
    expected = by_hand(written, FAMILIES["qrm_llama"].formula, pairs[:3])
    assert apart(load(folder, "qrm_llama", prompt_mode="none").score(pairs[:3]), expected) <= _TOLERANCE


def test_a_tokenizer_without_a_cls_token_cannot_serve_athene(folder):
    write("athene", folder)
    for file in ("tokenizer_config.json", "special_tokens_map.json"):
        if (folder / file).exists():
            (folder / file).write_text((folder / file).read_text().replace("cls_token", "no_such_token"))
    with pytest.raises(Problem, match="CLS"):
        load(folder, "athene")


def test_another_models_configuration_is_no_internlm(folder):
    write("ultra", folder)
    with pytest.raises(Problem, match="llama is not internlm2"):
        load(folder, "internlm")
    with pytest.raises(ValueError, match="multiple"):
        split(torch.zeros(30, H), 4, 2)


def test_a_template_that_refuses_a_system_role_reads_its_text_before_the_users(folder, pairs):
    written = write("qrm", folder)
    expected = by_hand(written, FAMILIES["qrm"].formula, pairs[:3], "criterion")
    assert apart(load(folder, "qrm").score(pairs[:3]), expected) <= _TOLERANCE


def test_a_missing_template_is_named_with_what_to_do(folder):
    _, _, tokenizer = write("ultra", folder)
    tokenizer.chat_template = None
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(Problem, match=r"chat_template\.jinja"):
        load(folder, "ultra")


def test_an_empty_response_has_a_score_and_a_huge_one_a_reason(folder, pairs):
    written = write("ultra", folder)
    empty = replace(pairs[0], id="empty", chosen="")
    huge = replace(pairs[1], id="huge", rejected="x" * 100_000)
    results = dict(load(folder, "ultra", prompt_mode="none").score([empty, huge, *pairs]))
    assert results.pop("huge").missing_reason == "too long"
    assert apart(results, by_hand(written, FAMILIES["ultra"].formula, [empty, *pairs])) <= _TOLERANCE


def test_neither_padding_by_what_ends_a_turn_nor_a_missing_bos_matters(folder, pairs):
    written = write("ultra", folder)
    tokenizer = written[2]
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    assert tokenizer.bos_token is None and tokenizer.unk_token is None
    chat = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
    tokenizer.chat_template = tokenizer.chat_template.replace("<|im_end|>\n{% endfor", "<|im_end|>{% endfor")
    tokenizer.save_pretrained(folder)
    assert tokenizer.apply_chat_template(chat, tokenize=False).endswith(tokenizer.pad_token)
    expected = by_hand(written, FAMILIES["ultra"].formula, pairs)
    assert apart(load(folder, "ultra", prompt_mode="none").score(pairs), expected) <= _TOLERANCE


def test_one_bos_where_template_and_tokenizer_would_each_put_one(folder, pairs):
    _, _, tokenizer = write("inform", folder)
    packed, _ = load(folder, "inform", prompt_mode="none")._conversations.pack(pairs[0])
    assert list(packed.ids).count(tokenizer.bos_token_id) == 1
