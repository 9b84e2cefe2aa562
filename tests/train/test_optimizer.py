"""AdamW as it is told to be: decay on matrices only, the head's own rate, the moments' decays."""

from __future__ import annotations

from transformers import AutoModelForCausalLM

from themis.train import optimizer
from themis.train.model import RewardModel


def test_every_weight_is_in_the_group_it_belongs_to(tmp_path, make_base):
    model = RewardModel(AutoModelForCausalLM.from_pretrained(make_base(tmp_path / "base", "qwen3")))
    adamw = optimizer.build(model, weight_decay=0.3, betas=(0.8, 0.7), epsilon=1e-5)
    optimizer.set_rate(adamw, 2e-3, 5.0)
    found = {
        parameter: (group["weight_decay"], group["lr"], group["betas"], group["eps"])
        for group in adamw.param_groups
        for parameter in group["params"]
    }
    assert len(found) == len(list(model.parameters()))
    for name, parameter in model.named_parameters():
        decay = 0.3 if parameter.ndim == 2 and name != "head.weight" else 0.0
        assert found[parameter] == (decay, 1e-2 if name == "head.weight" else 2e-3, (0.8, 0.7), 1e-5), name
