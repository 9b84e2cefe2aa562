"""The export is what transformers loads as a sequence classifier, and scores as training did."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from themis.prompting import packing
from themis.prompting.chat import Chat
from themis.train.model import RewardModel, load_weights
from themis.train.train import train

TEXTS = [("Say a", "aaa", "bb and more"), ("Say something longer", "b", "")]


@pytest.mark.parametrize("kind, tied, ends_in_eos", [("llama", True, True), ("qwen3", False, False)])
def test_the_classifier_scores_as_the_reward_model(
    tmp_path, make_base, make_preferences, make_options, kind, tied, ends_in_eos
):
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

    base = make_base(tmp_path / "base", kind, tied=tied, ends_in_eos=ends_in_eos)
    options = make_options(tmp_path, make_preferences(tmp_path / "code.parquet", 4), base, epochs=2)
    options.export.mkdir()
    (options.export / "stale").write_text("of an earlier run")
    assert train(options)
    assert not (options.export / "stale").exists()
    assert not list(tmp_path.glob(".*"))
    assert (options.export / "lm_head").exists() is not tied

    classifier, found = AutoModelForSequenceClassification.from_pretrained(options.export, output_loading_info=True)
    assert not any(found.values())
    assert type(classifier).__name__ in classifier.config.architectures
    assert {parameter.dtype for parameter in classifier.parameters()} == {torch.float32}

    # The reward model the next stage starts from: all of what was trained.
    weights = load_weights(options.export)
    model = RewardModel(AutoModelForCausalLM.from_pretrained(base, attn_implementation="sdpa"))
    state = {**weights, **({"lm.lm_head.weight": weights["lm.model.embed_tokens.weight"]} if tied else {})}
    model.load_state_dict(state)
    assert weights["head.weight"].abs().max() > 0
    if not tied:
        assert torch.equal(
            weights["lm.lm_head.weight"],
            load_file(options.export / "lm_head" / "lm_head.safetensors")["lm_head.weight"],
        )
        assert not torch.equal(weights["lm.lm_head.weight"], load_file(base / "model.safetensors")["lm_head.weight"])

    chat = Chat.load(options.export)
    with torch.no_grad():
        batch = packing.collate([packing.pack(chat, "Be fair.", *text) for text in TEXTS], chat.pad_id)
        rewards, _ = model(**vars(batch), with_lm=False)
        conversations = [chat.conversation("Be fair.", text[0], text[side]) for text in TEXTS for side in (1, 2)]
        assert all((row[-1] == chat.tokenizer.eos_token_id) is ends_in_eos for row in conversations)
        tokenizer = AutoTokenizer.from_pretrained(options.export)
        for side in ("right", "left"):
            tokenizer.padding_side = side
            padded = tokenizer.pad({"input_ids": conversations}, return_tensors="pt")
            scores = classifier(**padded).logits.reshape(2, 2)
            if side == "right":
                torch.testing.assert_close(scores, rewards, rtol=1e-4, atol=1e-5)
        alone = torch.stack([classifier(torch.tensor([row])).logits[0, 0] for row in conversations]).reshape(2, 2)
    torch.testing.assert_close(alone, rewards, rtol=1e-4, atol=1e-5)


def test_the_next_stage_goes_on_from_the_export(tmp_path, make_base, make_preferences, make_options):
    base = make_base(tmp_path / "base", tied=False)
    first = make_options(tmp_path / "one", make_preferences(tmp_path / "general.parquet", 4), base)
    assert train(first)
    # A stage that learns next to nothing ends where it began: with all of the first stage's weights.
    second = make_options(
        tmp_path / "two", first.preferences, first.export, epochs=1, learning_rate=1e-12, final_learning_rate=0.0
    )
    assert train(second)
    for file in ("model.safetensors", "lm_head/lm_head.safetensors"):
        torch.testing.assert_close(load_file(second.export / file), load_file(first.export / file), rtol=0, atol=1e-8)
