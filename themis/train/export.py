"""Export: a standard Hugging Face sequence classifier with one label, written straight from the trained weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from themis.errors import Problem
from themis.prompting.chat import Chat
from themis.records.folders import put_in_place
from themis.train import parallel
from themis.train.model import LM_HEAD_FILE, RewardModel, load_config
from themis.train.parallel import Group
from themis.train.tensors import write_float32

_TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
    "vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model",
)  # fmt: skip


@dataclass(frozen=True)
class Blueprint:
    """What the export will be: its configuration and the shape of every weight."""

    config: Any
    shapes: dict[str, torch.Size]


def blueprint(base: Path, model: RewardModel) -> Blueprint:
    """The classifier that belongs to the base. Raises Problem where there is none, or its weights are not the model's.

    The padding token is one no conversation ends in (`Chat.pad_id`): the classifier scores the last other token.
    """
    from transformers import AutoModelForSequenceClassification

    config = load_config(base)
    config.num_labels = 1
    config.problem_type = "regression"
    config.pad_token_id = Chat.load(base).pad_id
    config.dtype = torch.float32
    try:
        with torch.device("meta"):
            classifier = AutoModelForSequenceClassification.from_config(config)
    except ValueError:
        raise Problem(f"{base}: transformers has no sequence classifier for {config.model_type}") from None
    config.architectures = [type(classifier).__name__]
    shapes = {name: parameter.shape for name, parameter in classifier.named_parameters()}
    ours = {name: parameter.shape for name, parameter in _backbone(model).items()}
    if wrong := {name for name in shapes.keys() | ours.keys() if shapes.get(name) != ours.get(name)}:
        raise Problem(f"{base}: {type(classifier).__name__} and the trained model differ in {min(wrong)}")
    return Blueprint(config, shapes)


def export(
    folder: Path, base: Path, model: RewardModel, group: Group, *, texts: Mapping[str, str] | None = None
) -> None:
    """Write the export, replacing an earlier one at once; every process calls this. `texts` are files to go with it.

    Beside the classifier lies, where the language-model head is not the embedding, that head for the next stage; the
    classifier's loader ignores it.
    """
    weights = _backbone(model)
    lm_head = {} if model.tied else _lm_head(model)
    if not group.leads:
        for _ in _gather([*weights.values(), *lm_head.values()]):
            pass
        return
    plan = blueprint(base, model)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    write_float32(part / "model.safetensors", plan.shapes, _gather(weights[name] for name in plan.shapes))
    if lm_head:
        (part / LM_HEAD_FILE).parent.mkdir()
        shapes = {name: parameter.shape for name, parameter in lm_head.items()}
        write_float32(part / LM_HEAD_FILE, shapes, _gather(lm_head.values()))
    plan.config.save_pretrained(part)
    copy_tokenizer(base, part)
    for name, text in (texts or {}).items():
        (part / name).write_text(text, encoding="utf-8")
    put_in_place(part, folder)


def _backbone(model: RewardModel) -> dict[str, torch.nn.Parameter]:
    """The classifier's weights under its names, in one order for all processes."""
    others = {} if model.tied else _lm_head(model)
    weights = {name: parameter for name, parameter in model.lm.named_parameters() if name not in others}
    return {**weights, "score.weight": model.head.weight}


def _lm_head(model: RewardModel) -> dict[str, torch.nn.Parameter]:
    head = model.lm.get_output_embeddings()
    prefix = next(name for name, module in model.lm.named_modules() if module is head)
    return {f"{prefix}.{name}": parameter for name, parameter in head.named_parameters()}


def _gather(parameters: Iterable[torch.nn.Parameter]) -> Iterator[torch.Tensor]:
    for parameter in parameters:
        yield parallel.whole(parameter)


def copy_tokenizer(base: Path, folder: Path) -> None:
    """Copy the tokenizer; it is to pad with the token the classifier takes for padding."""
    for name in _TOKENIZER_FILES:
        if (base / name).is_file():
            shutil.copyfile(base / name, folder / name)
    chat = Chat.load(base)
    token = chat.tokenizer.convert_ids_to_tokens(chat.pad_id)
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        path = folder / name
        if path.is_file():
            settings = {**json.loads(path.read_text(encoding="utf-8")), "pad_token": token}
            path.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
