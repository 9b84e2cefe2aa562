"""What is written down of every step, where it goes, and what stops a training that has gone wrong."""

from __future__ import annotations

import json
import math
import sys
import types
from importlib.machinery import ModuleSpec

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.train.processes import together
from themis import records
from themis.errors import Problem
from themis.train import checkpoint, flops, health, trackers, watch
from themis.train.train import train

TOOK = {"tokens", "padding", "seconds", "tokens_per_second", "mfu"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory, make_base, make_preferences, make_options):
    """A finished run of six steps."""
    folder = tmp_path_factory.mktemp("watched")
    base = make_base(folder / "base")
    options = make_options(folder / "straight", make_preferences(folder / "code.parquet", 9), base)
    assert train(options)
    return options


def log_of(options):
    return [json.loads(line) for line in (options.export.parent / watch.LOG).read_text().splitlines()]


def learned(options):
    return [{name: value for name, value in row.items() if name not in TOOK} for row in log_of(options)]


def rows_of(options):
    """The table's rows with a step, by step."""
    found = {}
    for row in records.read(options.metrics, "metrics").to_pylist():
        found.setdefault(row["step"], {})[row["metric"]] = row["value"]
    totals = found.pop(None)
    return [{"step": step, **values} for step, values in sorted(found.items())], totals


def test_every_step_is_one_line_and_the_table_holds_what_was_learned(stage):
    log = log_of(stage)
    assert [row["step"] for row in log] == [1, 2, 3, 4, 5, 6]
    assert [row["epoch"] for row in log] == pytest.approx([1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2])
    assert all(set(row) >= TOOK for row in log)
    assert rows_of(stage) == (learned(stage), {"exported_step": 6})
    for row in log:
        assert row["padding"] == 0
        assert row["tokens_per_second"] == pytest.approx(row["tokens"] / row["seconds"])
        assert row["head_lr"] == row["lr"]
        assert row["loss"] == pytest.approx(row["bt"] + 0.25 * row["lm"] + 0.01 * row["magnitude"])
        assert row["mfu"] > 0


def test_the_numbers_of_a_step_are_those_of_the_model_before_it(stage, make_options, tmp_path):
    """A step over all pairs, from an earlier export: its rewards are what transformers makes of that export."""
    from transformers import AutoModelForSequenceClassification

    from themis.prompting.chat import Chat

    options = make_options(tmp_path, stage.preferences, stage.export, batch_pairs=9, epochs=1, head_learning_rate=3e-2)
    assert train(options)
    (row,) = log_of(options)
    chat, model = Chat.load(stage.export), AutoModelForSequenceClassification.from_pretrained(stage.export)
    rewards, tokens = [], 0
    for pair in records.read(stage.preferences, "preferences").to_pylist():
        sides = [chat.conversation(pair["system"], pair["input"], pair[side]) for side in ("chosen", "rejected")]
        shared = next(i for i, (a, b) in enumerate(zip(*sides, strict=False)) if a != b)
        tokens += len(sides[0]) + len(sides[1]) - shared
        with torch.no_grad():
            rewards.append([model(torch.tensor([ids])).logits.item() for ids in sides])
    chosen, rejected = torch.tensor(rewards, dtype=torch.float64).T
    expected = {
        "bt": torch.log1p(torch.exp(rejected - chosen)).mean(),
        "accuracy": (chosen > rejected).double().mean(),
        "margin": (chosen - rejected).mean(),
        "magnitude": ((chosen + rejected) ** 2).mean(),
        "reward_mean": torch.cat([chosen, rejected]).mean(),
        "reward_variance": torch.cat([chosen, rejected]).var(correction=0),
    }
    assert {name: row[name] for name in expected} == pytest.approx({k: v.item() for k, v in expected.items()}, rel=1e-4)
    assert row["tokens"] == tokens
    assert row["head_lr"] / row["lr"] == pytest.approx(3)


def test_a_killed_and_resumed_run_leaves_the_same_lines(stage, make_options, tmp_path, monkeypatch):
    options = make_options(tmp_path, stage.preferences, stage.base)

    def killed(*args, step, **kwargs):
        if step == 4:
            raise KeyboardInterrupt
        save(*args, step=step, **kwargs)

    save = checkpoint.save
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint, "save", killed)
        train(options)
    log = options.export.parent / watch.LOG
    assert len(log.read_text().splitlines()) == 4  # two more than the checkpoint knows
    first = log_of(options)[0]["seconds"]
    with log.open("a") as stream:
        stream.write('{"step": 5, "lo')
    assert train(options)
    assert learned(options) == learned(stage)
    assert log_of(options)[0]["seconds"] == first


def test_a_log_is_cut_back_to_the_steps_done(tmp_path):
    rows = [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25}, {"step": 3, "loss": 0.1}]
    lines = ["[]", '{"step": 1, "loss": 0.5, "seconds": 3.0}', '{"step": 2, "loss": 0.7, "seconds": 4.0}', "null", "{"]
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join([*lines, '{"step": 4, "loss": 9}']))
    watch.cut_back(path, rows)
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert told == [{"step": 1, "loss": 0.5, "seconds": 3.0}, rows[1], rows[2]]
    watch.cut_back(path, [])
    assert path.read_text() == ""


def test_tensorboard_gets_every_step_once(stage, make_options, tmp_path, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    options = make_options(tmp_path, stage.preferences, stage.base, trackers=("tensorboard",))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(health, "check_converging", lambda stage, rows: dies_after(3, rows))
        train(options)
    assert train(options)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {name for row in log_of(options) for name in row} - {"step"}
    loss = [(event.step, event.value) for event in events.Scalars("loss")]
    assert loss == [(row["step"], pytest.approx(row["loss"])) for row in learned(stage)]


def dies_after(step, rows):
    if len(rows) == step:
        raise KeyboardInterrupt


class FakeWandb(types.ModuleType):
    """As much of wandb as is used, writing down what it is told."""

    class Error(Exception):
        pass

    def __init__(self, refuses=None):
        super().__init__("wandb")
        self.__spec__ = ModuleSpec("wandb", None)
        self.said, self.rows, self.ended, self.refuses = {}, [], 0, refuses

    def Settings(self, **values):
        return values

    def init(self, **values):
        if self.refuses:
            raise self.Error(self.refuses)
        self.said = values
        return types.SimpleNamespace(log=lambda row, step: self.rows.append((step, row)), finish=self.finish)

    def finish(self):
        self.ended += 1


def test_wandb_gets_the_numbers_and_the_settings_and_nothing_else(stage, make_options, tmp_path, monkeypatch, capfd):
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    monkeypatch.setenv("WANDB_API_KEY", "not-for-anyone")
    options = make_options(tmp_path, stage.preferences, stage.base, trackers=("wandb",))
    assert train(options)
    assert [step for step, _ in fake.rows] == [1, 2, 3, 4, 5, 6] and fake.ended == 1
    assert [{"step": step, **row} for step, row in fake.rows] == log_of(options)
    assert fake.said["config"] == options.deciding()
    assert fake.said["settings"] == {"console": "off", "save_code": False, "disable_git": True, "silent": True}
    assert fake.said["name"] == "tiny.preference" and fake.said["project"] == "themis"
    assert "not-for-anyone" not in "".join(capfd.readouterr()) + json.dumps(fake.said, default=str)


def test_a_tracker_that_cannot_be_had_is_said_before_training(stage, make_options, tmp_path, monkeypatch):
    options = make_options(tmp_path, stage.preferences, stage.base, trackers=("wandb",))
    with monkeypatch.context() as patch, pytest.raises(Problem, match=r"--tracker wandb: .* pip install wandb$"):
        patch.setattr(trackers.importlib.util, "find_spec", lambda name: None)
        train(options)
    monkeypatch.setitem(sys.modules, "wandb", FakeWandb(refuses="No API key configured.\nmore"))
    with pytest.raises(Problem, match=r"No API key configured; or set WANDB_MODE=offline$"):
        train(options)
    assert not options.export.exists()


def test_a_model_that_is_broken_stops_every_process(stage, make_options, tmp_path, capfd):
    base = tmp_path / "base"
    base.mkdir()
    for path in stage.export.iterdir():
        (base / path.name).write_bytes(path.read_bytes())
    weights = load_file(base / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][0] = math.nan
    save_file(weights, base / "model.safetensors", {"format": "pt"})
    with pytest.raises(Problem, match=r"^step 1 of preference: the loss is nan; lower the learning rate "):
        train(make_options(tmp_path, stage.preferences, base))
    weights["model.layers.1.mlp.up_proj.weight"][0] = 0.0
    weights["score.weight"][:] = 0
    save_file(weights, base / "model.safetensors", {"format": "pt"})
    assert 0 not in together(make_options(tmp_path, stage.preferences, base, processes=2))
    assert "base: its reward head was not loaded" in capfd.readouterr().err


def losses(*values):
    return [{"loss": value} for value in values]


def test_divergence_is_a_loss_far_above_its_start_for_long(stage, make_options, tmp_path, monkeypatch):
    high = [3.01 * math.log(2)] * 20
    health.check_converging("s", losses(0.1, *high[:19]))
    health.check_converging("s", losses(0.1, *high[:10], 2.0, *high[:19]))
    health.check_converging("s", losses(0.7, *high))  # three times 0.7 is more
    with pytest.raises(Problem, match=r"^step 21 of s: diverged, .* above 2\.08 .* for 20 steps and is 2\.09"):
        health.check_converging("s", losses(0.1, *high))
    monkeypatch.setattr(health, "DIVERGED_STEPS", 2)
    monkeypatch.setattr(health, "DIVERGED_TIMES", 0.0)
    options = make_options(tmp_path, stage.preferences, stage.base)
    with pytest.raises(Problem, match=r"^step 3 of preference: diverged"):
        train(options)
    assert [row["step"] for row in log_of(options)] == [1, 2, 3]


@pytest.mark.parametrize("frozen", [0, 2])
def test_the_flops_of_a_pair_are_those_that_torch_counts(tmp_path, make_base, make_preferences, frozen):
    """Of a sequence alone transformers' plain attention computes T² products; causal attention needs T(T+1)/2."""
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoModelForCausalLM

    from themis.train import data
    from themis.train.model import RewardModel

    base = make_base(tmp_path / "base")
    model = RewardModel(AutoModelForCausalLM.from_pretrained(base)).train()
    model.lm.set_attn_implementation("eager")
    model.freeze(frozen, with_lm=True)

    def counted(length, labels=0):
        with FlopCounterMode(display=False) as counter:
            hidden = model.lm.base_model(torch.arange(length)[None]).last_hidden_state[0]
            (hidden.sum() + (model.lm.lm_head(hidden[:labels]).sum() if labels else 0)).backward()
        return counter.get_total_flops()

    square = (counted(40) - 2 * counted(20)) / (40**2 - 2 * 20**2)
    linear = counted(20) / 20 - square * 20
    label = counted(20, 8) / 8 - counted(20) / 8
    path = tmp_path / "tokens.arrow"
    data.write_cache(make_preferences(tmp_path / "code.parquet", 3), base, 200, path)
    pairs = data.open_cache(path)
    for share_prefix in (True, False):
        found = flops.pair_flops(model, pairs, share_prefix=share_prefix, with_lm=True)
        for i in range(3):
            pair = pairs.packed(i)
            seen = sum(size * (size + 1) / 2 for size in (pair.chosen, pair.rejected))
            seen -= share_prefix * pair.shared * (pair.shared + 1) / 2
            tokens = pair.chosen + pair.rejected - share_prefix * pair.shared
            completion = pair.chosen - pair.prompt
            assert found[i] == pytest.approx(linear * tokens + square * seen + label * completion)
