"""The reward model: any causal language model of transformers with a scalar head; both rewards from one forward."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from themis.errors import Problem
from themis.prompting import attention
from themis.prompting.packing import Batch
from themis.train.cross_entropy import summed_cross_entropy

LM_HEAD_FILE = Path("lm_head") / "lm_head.safetensors"  # beside an export, where the head is not the embedding
_PACKABLE = {"full_attention", "sliding_attention"}


class RewardModel(nn.Module):
    """A causal language model and a linear reward head without bias, both with float32 weights.

    The head starts at zero, as the published one: no pair is preferred before anything is learned.
    """

    def __init__(self, lm: nn.Module) -> None:
        super().__init__()
        attention.register()
        lm.set_attn_implementation(attention.NAME)
        self.lm = lm
        # Without this the padding token gets no gradient, and in many bases it is the end-of-turn token of every chat.
        lm.get_input_embeddings().padding_idx = None
        width = lm.get_output_embeddings().in_features
        device = lm.get_input_embeddings().weight.device
        self.head = nn.Linear(width, 1, bias=False, dtype=torch.float32, device=device)
        nn.init.zeros_(self.head.weight)

    @property
    def layers(self) -> nn.ModuleList:
        """The decoder blocks: the longest module list that lies in no other one."""
        return decoder_layers(self.lm)

    def forward(self, batch: Batch, with_lm: bool = True) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Rewards [B, 2] (chosen, rejected) and the summed cross-entropy of the chosen tokens (None without `with_lm`).

        Logits are computed at completion positions only.
        """
        hidden = self.lm.base_model(
            input_ids=batch.input_ids, position_ids=batch.position_ids, use_cache=False, segments=batch.segments
        ).last_hidden_state[0]
        ends = hidden.index_select(0, batch.last.flatten()).reshape(*batch.last.shape, -1)
        rewards = self.head(ends.float()).squeeze(-1).clone()  # FSDP's hooks want no view
        if not with_lm:
            return rewards, None
        labels = batch.input_ids[0].index_select(0, batch.completion + 1)
        predicting = hidden.index_select(0, batch.completion)
        head, (scale, softcap) = self.lm.get_output_embeddings(), _logit_form(self.lm.config)
        return rewards, summed_cross_entropy(head, predicting, labels, scale=scale, softcap=softcap)

    def freeze(self, layers: int, *, with_lm: bool) -> None:
        """Let only what is trained require a gradient: not the lowest `layers` blocks and the embeddings below them.

        A tied language-model head is the embedding, so it is frozen with it; the gradient still flows through it.
        A head of its own is frozen where no language-model loss is computed. Raises Problem where there are fewer blocks.
        """
        if layers > len(self.layers):
            raise Problem(f"--frozen-layers: {layers}, but the model has {len(self.layers)} layers")
        if layers:
            for module in self.lm.base_model.modules():
                if isinstance(module, nn.Embedding):
                    module.requires_grad_(False)
            self.layers[:layers].requires_grad_(False)
        if not with_lm and not self.tied:
            self.lm.get_output_embeddings().requires_grad_(False)

    @property
    def trained(self) -> dict[str, nn.Parameter]:
        """The parameters that require a gradient, by name."""
        return {name: parameter for name, parameter in self.named_parameters() if parameter.requires_grad}

    @property
    def tied(self) -> bool:
        """Whether the language-model head is the embedding."""
        return self.lm.get_output_embeddings().weight is self.lm.get_input_embeddings().weight


def decoder_layers(lm: nn.Module) -> nn.ModuleList:
    """The longest module list of the model that lies in no other one (experts lie in the decoder's). Raises Problem."""
    outermost: list[nn.ModuleList] = []

    def visit(module: nn.Module) -> None:
        for child in module.children():
            if isinstance(child, nn.ModuleList):
                outermost.append(child)
            else:
                visit(child)

    visit(lm)
    if not outermost:
        raise Problem(f"{type(lm).__name__}: no list of decoder layers found in it")
    return max(outermost, key=len)


def load_config(base: Path) -> Any:
    """The configuration in a checkpoint folder. Raises Problem where there is none that transformers knows."""
    from transformers import AutoConfig

    if not (base / "config.json").is_file():
        raise Problem(f"{base}: no config.json here; is it a checkpoint folder?")
    try:
        return AutoConfig.from_pretrained(base, trust_remote_code=False, local_files_only=True)
    except (ValueError, OSError, KeyError) as error:
        raise Problem(f"{base}: not a model transformers can load: {_first_line(error)}") from None


def skeleton(base: Path) -> RewardModel:
    """The model of a checkpoint folder without weights (parameters on the meta device, buffers computed).

    Raises Problem where a packed sequence would not be computed as the model would by itself.
    """
    from accelerate import init_empty_weights
    from transformers import AutoModelForCausalLM

    config = load_config(base)
    if hasattr(config, "text_config"):
        raise Problem(f"{base}: {config.model_type} is multimodal; start from its language model, saved by itself")
    if other := set(getattr(config, "layer_types", None) or _PACKABLE) - _PACKABLE:
        raise Problem(f"{base}: {min(other)} layers cannot keep the two responses of a packed pair apart")
    for name, value in config.to_dict().items():
        if isinstance(value, float) and ("dropout" in name or "jitter" in name or name.endswith("pdrop")):
            setattr(config, name, 0.0)  # a resumed run would draw other masks
    try:
        with init_empty_weights(include_buffers=False):
            lm = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    except ValueError as error:
        raise Problem(f"{base}: not a causal language model: {_first_line(error)}") from None
    lm.tie_weights()
    if lm.base_model is lm or lm.get_output_embeddings() is None:
        raise Problem(f"{base}: {type(lm).__name__} has no separate backbone and language-model head")
    model = RewardModel(lm).train()
    known = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    if any(name.endswith(".sinks") for name in known):
        raise Problem(f"{base}: {type(lm).__name__} has attention sinks, which packed attention does not compute")
    if strangers := set(model.state_dict()) - known:
        raise Problem(f"{base}: {type(lm).__name__} keeps {min(strangers)} as a buffer, which training would not save")
    return model


def load_weights(base: Path) -> dict[str, torch.Tensor]:
    """The weights of a checkpoint folder under the names of `RewardModel`, float32.

    The folder holds a causal language model (the head is zero then), or an export of an earlier stage, whose reward
    head and, if separate, language-model head go on. Raises Problem where a weight is missing or left over.
    """
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    try:
        lm, found = AutoModelForCausalLM.from_pretrained(
            base,
            dtype=torch.float32,
            trust_remote_code=False,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise Problem(f"{base}: its weights cannot be loaded: {_first_line(error)}") from None
    model = RewardModel(lm)
    missing, unexpected = set(found["missing_keys"]), set(found["unexpected_keys"])
    with torch.no_grad():
        if missing and (base / LM_HEAD_FILE).is_file():
            for name, value in load_file(base / LM_HEAD_FILE).items():
                lm.get_parameter(name).copy_(value)
                missing.discard(name)
        if is_export(base):
            model.head.weight.copy_(_read_tensor(base, "score.weight"))
            unexpected.discard("score.weight")
    if wrong := missing | unexpected | {str(key) for key in found.get("mismatched_keys", ())}:
        what = "missing" if missing else "unknown or of another shape"
        raise Problem(f"{base}: {len(wrong)} weights are {what}, such as {min(wrong)}")
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def is_export(base: Path) -> bool:
    """Whether the folder holds a sequence classifier."""
    architectures = getattr(load_config(base), "architectures", None) or []
    return any(name.endswith("ForSequenceClassification") for name in architectures)


def _logit_form(config: Any) -> tuple[float, float | None]:
    """By what the logits are multiplied (Cohere, Granite), and by what they are capped thereafter (Gemma)."""
    scale = (getattr(config, "logit_scale", None) or 1.0) / (getattr(config, "logits_scaling", None) or 1.0)
    return scale, getattr(config, "final_logit_softcapping", None)


def _read_tensor(base: Path, name: str) -> torch.Tensor:
    from safetensors import SafetensorError, safe_open

    file, index = base / "model.safetensors", base / "model.safetensors.index.json"
    if index.is_file():
        file = base / json.loads(index.read_text(encoding="utf-8"))["weight_map"].get(name, "")
    try:
        with safe_open(file, framework="pt") as stream:
            return stream.get_tensor(name)
    except (OSError, SafetensorError):
        raise Problem(f"{base}: a sequence classifier without the weight {name}") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
