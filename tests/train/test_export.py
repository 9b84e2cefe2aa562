"""The export is what transformers loads as a sequence classifier, and scores as training did."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch
import yaml
from safetensors.torch import load_file

from themis import records
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
    model = RewardModel(AutoModelForCausalLM.from_pretrained(base))
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
        batch = packing.collate([packing.pack(chat, "Be fair.", *text) for text in TEXTS])
        rewards, _ = model(batch, with_lm=False)
        conversations = [chat.conversation("Be fair.", text[0], text[side]) for text in TEXTS for side in (1, 2)]
        assert all((row[-1] == chat.tokenizer.eos_token_id) is ends_in_eos for row in conversations)
        tokenizer = AutoTokenizer.from_pretrained(options.export)
        alone = torch.stack([classifier(torch.tensor([row])).logits[0, 0] for row in conversations]).reshape(2, 2)
        torch.testing.assert_close(alone, rewards, rtol=1e-5, atol=1e-5)
        # The position a score is read at is where the conversation ends, whatever comes before or after it.
        for side in ("right", "left"):
            for length in (None, 200):
                padding = {"padding": "max_length" if length else True, "max_length": length, "padding_side": side}
                padded = tokenizer.pad({"input_ids": conversations}, return_tensors="pt", **padding)
                assert padded["input_ids"].shape[1] == (length or max(map(len, conversations)))
                scores = classifier(**padded).logits.reshape(2, 2)
                torch.testing.assert_close(scores, rewards, rtol=1e-5, atol=1e-5)


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


def test_the_card_says_how_every_stage_was_trained_and_how_to_score(
    tmp_path, make_base, make_preferences, make_options
):
    from transformers import AutoModelForSequenceClassification

    base = make_base(tmp_path / "tiny-base")
    extra = (("z1", None, "x" * 600, "a", "b"),)
    first = make_options(
        tmp_path / "one", make_preferences(tmp_path / "general.parquet", 9, extra), base, epochs=1, stage="pretraining"
    )
    assert train(first)
    second = make_options(
        tmp_path / "two", make_preferences(tmp_path / "code.parquet", 4), first.export, epochs=2, margin=0.125
    )
    assert train(second)
    card = (second.export / "README.md").read_text()

    _, head, text = card.split("---\n", 2)
    assert yaml.safe_load(head)["library_name"] == "transformers" and "license" not in yaml.safe_load(head)
    titles = [line for line in text.splitlines() if line.startswith("## ")]
    assert titles == ["## How to score", "## Stage 1: pretraining", "## Stage 2: preference"]
    assert str(tmp_path) not in card + (second.export / "training.json").read_text()
    for said in ("Trained from tiny-base", "Trained from tiny, pretraining", "9 pairs, 1 left out (too long)"):
        assert said in text
    for options in (first, second):
        assert hashlib.sha256(options.preferences.read_bytes()).hexdigest() in text

    stages = json.loads((second.export / "training.json").read_text())["stages"]
    assert stages[:1] == json.loads((first.export / "training.json").read_text())["stages"]
    assert stages[1]["data"]["languages"] == {"Python": 4} and stages[1]["data"]["sources"] == {"test": 4}
    recipe = json.loads(json.dumps(second.deciding()))
    assert stages[1]["recipe"] == {name: value for name, value in recipe.items() if name not in ("name", "stage")}
    for setting, value in stages[1]["recipe"].items():
        assert f"| {setting} | {value} |" in text
    metrics = records.read(second.metrics, "metrics").to_pylist()
    last = {row["metric"]: row["value"] for row in metrics if row["step"] == 2}
    assert {name: stages[1]["results"][name] for name in last} == last and stages[1]["results"]["steps"] == 2
    assert f"| loss | {last['loss']:.4g} |" in text

    # What the card shows is run as it stands.
    shown = text.split("```python\n")[1].split("```")[0].replace('folder = "."', "folder = FOLDER")
    names = {"FOLDER": str(second.export)}
    exec(compile(shown, "card", "exec"), names)
    chat = Chat.load(second.export)
    ids = chat.conversation(*(turn["content"] for turn in names["chat"]))
    classifier = AutoModelForSequenceClassification.from_pretrained(second.export)
    with torch.no_grad():
        assert names["score"] == classifier(torch.tensor([ids])).logits.item()
