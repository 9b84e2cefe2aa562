# The reward model that a step scores with: its weights, its options, what it takes of the machine.
import shlex
from pathlib import Path

from themis.registry import gpus_needed, memory_needed, reference_model


def weights_of(wildcards):
    """The weights a reward model is scored with: a trained one, a language model's, a folder's, or none."""
    model = REWARD_MODELS[wildcards.model]
    source = model["checkpoint"]
    if model["hub"]:
        return f"results/reward_models/{wildcards.model}/config.json"
    if source is None:
        return []
    if source in TRAINED:
        return exported(TRAINED[source])
    if source in config["language_models"]:
        return language_model(source)
    return f"{source}/config.json"


def scoring_options(wildcards, weights):
    """Options that say which reward model scores and how: all but the system prompt and the rows."""
    model = REWARD_MODELS[wildcards.model]
    lines = {line.name: line for line in _study.score.models}
    said = getattr(lines[wildcards.model], model["backend"], None)
    settings = said.model_dump_json(exclude_defaults=True) if said else None
    own = ("family", "hub", "revision", "scoring", "reply_tokens", "backend", "dtype")
    every = ("max_tokens", "truncation", "protocol", "batch_tokens")
    return [
        option("name", wildcards.model),
        option("checkpoint", Path(str(weights)).parent if weights else None),
        *(option(name.replace("_", "-"), model[name]) for name in own),
        option("settings", settings),
        switch("trust_remote_code", model["trust_remote_code"]),
        *(option(name.replace("_", "-"), config["score"][name]) for name in every),
        switch("allow_missing", config["score"]["allow_missing"]),
    ]


def prompt_mode_of(wildcards):
    """The system prompt a model is shown: its own, unless a public benchmark has one for all."""
    line = config["benchmarks"].get(wildcards.benchmark, {})
    return line.get("prompt_mode") or REWARD_MODELS[wildcards.model]["prompt_mode"]


def scored_by(wildcards):
    """What scores with a reward model: themis, of vLLM's own environment where that runs it."""
    model = REWARD_MODELS[wildcards.model]
    here = model["backend"] != "vllm"
    return (
        "themis" if here else shlex.quote(f"{model['vllm']['environment']}/bin/themis")
    )


def scoring_gib(wildcards):
    """GiB that a reward model takes in all, as far as its size is known; a small model's where it is not."""
    model, facts = REWARD_MODELS[wildcards.model], reference_model(wildcards.model)
    if facts.size is None:
        return 3.5
    tokens = max(config["score"]["max_tokens"], config["score"]["batch_tokens"])
    return memory_needed(facts.size, model["dtype"], tokens)


def scoring_mb(wildcards, attempt):
    """Memory of a scoring job: the weights pass through it, whatever computes with them. More where it is tried again."""
    return int(1.15 * 1024 * scoring_gib(wildcards)) * attempt


def scoring_requests(wildcards):
    """Requests that a scoring job has on the way to a server."""
    model = REWARD_MODELS[wildcards.model]
    return model["openai"]["concurrency"] if model["backend"] == "openai" else 0


def scoring_gpus(wildcards):
    """GPUs of a scoring job; none for a baseline, and where the study scores on the CPU."""
    model = REWARD_MODELS[wildcards.model]
    if model["backend"] == "vllm":
        return model["vllm"]["tensor_parallel"]
    if not weights_of(wildcards) or config["score"]["gpu_memory"] is None:
        return 0
    return gpus_needed(scoring_gib(wildcards), config["score"]["gpu_memory"])
