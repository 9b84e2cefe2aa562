"""Lines of data that name models: language models to generate and train with, reward models to score."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from themis.registry import reference_model
from themis.study.base import Fraction, Settings
from themis.vocabulary import Criterion

_CRITERION = f"({'|'.join(Criterion)})"
PROMPT_MODE = rf"^(none|criterion|wrong|all|{_CRITERION}(\+{_CRITERION})*)$"

# Marks of the chat templates of well-known open models.
_MARKUP = [
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|start|>", "<|end|>", "<|message|>", "<|channel|>",
    "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
    "<start_of_turn>", "<end_of_turn>", "[INST]", "[/INST]", "<|system|>", "<|user|>", "<|assistant|>",
    "<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>",
]  # fmt: skip


class Vllm(Settings):
    """How vLLM runs a model."""

    environment: str = Field(".venv-vllm", description="Folder of the Python environment that has vLLM (make vllm).")
    tensor_parallel: int = Field(1, ge=1, description="GPUs that share the model.")
    memory: Fraction = Field(0.9, description="Share of a GPU's memory it may take; on a CPU, of the machine's.")
    max_context: int | None = Field(None, ge=16, description="Longest prompt and reply in tokens; none: the model's.")
    max_sequences: int = Field(256, ge=1, description="Requests computed together at most.")
    prefix_caching: bool = Field(True, description="Compute a beginning that requests share once.")
    eager: bool = Field(False, description="Do without CUDA graphs and compilation.")


class OpenAI(Settings):
    """A server that speaks the OpenAI protocol, and how it is asked."""

    base_url: str = Field(
        "https://api.openai.com/v1", pattern=r"^https?://[^/?#@\s]+(/[^?#@\s]*)?$", description="Address of the server."
    )
    model: str = Field(min_length=1, description="Name of the model at the server.")
    identity: str | None = Field(
        None,
        description="What the answers are kept under; none: the address and the model. Give one where a server's "
        "address changes between runs.",
    )
    key_variable: str | None = Field(
        None,
        description="Environment variable that holds the key. None: OPENAI_API_KEY at api.openai.com, no key elsewhere.",
    )
    concurrency: int = Field(8, ge=1, description="Requests on the way at a time.")
    requests_per_minute: int | None = Field(None, ge=1, description="Requests begun in a minute at most.")
    tokens_per_minute: int | None = Field(
        None, ge=1, description="Tokens asked for in a minute at most, the longest reply allowed counted in."
    )
    tries: int = Field(8, ge=1, description="Tries until a request is given up.")
    first_wait_s: float = Field(
        1.0, gt=0, description="Seconds before the second try, twice as many before each other one, 60 at most."
    )
    timeout_s: float = Field(600.0, gt=0, description="Seconds that one try may take.")
    length_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens", description="What the server calls the length of a reply; models that reason want the second."
    )
    likeliest: int = Field(
        20,
        ge=1,
        description="Tokens whose probabilities are asked for where options are weighed; many servers stop at 20.",
    )
    markup: list[str] = Field(
        _MARKUP,
        description="A text that holds one of these is not sent: the server might read it as a mark of its chat template.",
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict,
        description="Fields added to every request, such as chat_template_kwargs: {enable_thinking: false}.",
    )
    batch: str | None = Field(
        None, description="Folder for batch files, which requests are written to instead of being asked at once."
    )
    usd_per_million_prompt_tokens: float = Field(0.0, ge=0, description="Price of a million tokens read.")
    usd_per_million_new_tokens: float = Field(0.0, ge=0, description="Price of a million tokens written.")


class LanguageModel(Settings):
    """A language model. Its weights come from exactly one of package, hub and path; behind a server it has none."""

    package: str | None = Field(None, description="Installed Python package that carries a GGUF file.")
    file: str | None = Field(None, description="Name of that file.")
    hub: str | None = Field(None, description="Hub id.")
    revision: str | None = Field(None, description="Commit of the hub repository.")
    path: str | None = Field(None, description="Folder with a Hugging Face checkpoint.")
    dtype: Literal["float32", "bfloat16"] = Field("float32", description="Compute type for generation and scoring.")
    backend: Literal["transformers", "vllm", "openai"] = Field("transformers", description="What runs it.")
    vllm: Vllm = Field(default_factory=Vllm)
    openai: OpenAI | None = None

    @model_validator(mode="after")
    def _one_source(self) -> LanguageModel:
        given = [name for name in ("package", "hub", "path") if getattr(self, name)]
        if self.backend == "openai":
            if given or self.openai is None:
                raise ValueError("a model of the back end openai has the settings openai, and no package, hub or path")
            return self
        if len(given) != 1:
            raise ValueError(f"exactly one of package, hub and path must be given, not {', '.join(given) or 'none'}")
        if self.package and not self.file:
            raise ValueError("package needs file, the GGUF file's name")
        return self


Family = Literal[
    "sequence_classifier", "ultra", "eurus", "athene", "starling", "inform", "acecode", "grm", "nemotron", "armo",
    "qrm_llama", "qrm", "ldl", "internlm", "remote_code", "untrained_head", "judge", "cerm", "genrm", "lmunit", "r3",
    "perplexity", "random", "length",
]  # fmt: skip
_BASELINES = ("random", "length")
_WRITERS = ("judge", "cerm", "genrm", "lmunit", "r3")
_POOLED = ("sequence_classifier",)  # whose head vLLM's pooling runner has


def check_backend(name: str, family: str, backend: str) -> None:
    """Raise ValueError where nothing of that back end scores with a model of that family."""
    runs = {"vllm": (*_WRITERS, *_POOLED), "openai": _WRITERS}
    if family not in runs.get(backend, (family,)):
        raise ValueError(f"{name}: the back end {backend} runs {', '.join(runs[backend])}, not {family}")


class RewardModel(Settings):
    """A reward model to score. What is not said of one that the registry knows by its name is as the registry has it."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$", description="Name in every table and figure.")
    family: Family | None = Field(None, description="How it yields a score; none: as the registry has it.")
    checkpoint: str | None = Field(
        None,
        description="Folder of the checkpoint, or the name of a trained model (train.name, a variant) or of one of "
        "language_models; none for baselines, and where hub says where it is.",
    )
    hub: str | None = Field(None, description="Hub id.")
    revision: str | None = Field(None, description="Commit of the hub repository; none: the newest, whatever it is.")
    trust_remote_code: bool = Field(
        False,
        description="Run the code of the checkpoint, as the family remote_code must; its revision has to be given.",
    )
    dtype: Literal["float32", "bfloat16"] = Field("float32", description="Compute type.")
    backend: Literal["transformers", "vllm", "openai"] = Field(
        "transformers", description="What runs it; vllm and openai models that write, vllm sequence classifiers too."
    )
    vllm: Vllm = Field(default_factory=Vllm)
    openai: OpenAI | None = None
    prompt_mode: str = Field(
        "criterion",
        pattern=PROMPT_MODE,
        description="System prompt it is shown: none, criterion (the pair's own), wrong (another than the pair's), all, or "
        "criteria joined by +.",
    )
    scoring: Literal["parsed", "expected"] | None = Field(
        None,
        description="How a model that writes is read: parsed, the score or vote it wrote, or expected, the mean under the "
        "probabilities of what it might have written there. None: expected for a judge, else parsed.",
    )
    reply_tokens: int | None = Field(
        None, ge=1, description="Longest reply of a model that writes; none: as its published protocol has it."
    )

    @model_validator(mode="before")
    @classmethod
    def _registered(cls, given: Any) -> Any:
        known = reference_model(str(given.get("name"))) if isinstance(given, dict) else None
        if known is None or known.architecture is None:
            return given
        placed = given.get("checkpoint") or given.get("backend") == "openai"
        place = {} if placed else {"hub": known.hub, "revision": known.revision}
        line = {"family": known.architecture, "prompt_mode": known.prompt_mode, "dtype": known.dtype, **place}
        return {**line, **given}

    @model_validator(mode="after")
    def _weights_named(self) -> RewardModel:
        if self.family is None:
            raise ValueError(f"{self.name} is no model of the registry: give its family")
        check_backend(self.name, self.family, self.backend)
        if self.family in _BASELINES and (self.checkpoint or self.hub):
            raise ValueError(f"{self.name}: the family {self.family} takes neither checkpoint nor hub")
        if self.backend == "openai":
            if self.openai is None or self.checkpoint or self.hub:
                raise ValueError(
                    f"{self.name}: a model of the back end openai has the settings openai, and neither checkpoint nor hub"
                )
            return self
        if self.family not in _BASELINES and (self.checkpoint is None) == (self.hub is None):
            raise ValueError(f"{self.name}: exactly one of checkpoint and hub must be given")
        if self.trust_remote_code and self.hub and not self.revision:
            raise ValueError(f"{self.name}: trust_remote_code needs the revision whose code you have read")
        return self
