# The language model that a step asks: its weights, its options, what it takes of the machine.
import shlex


def language_model(name):
    """The marker file of a prepared language model; large ones have their weights in many files."""
    return f"results/language_models/{name}/config.json"


def model_of(wildcards):
    """The weights of a language model; none behind a server."""
    served = config["language_models"][wildcards.lm]["backend"] == "openai"
    return [] if served else language_model(wildcards.lm)


def command_of(wildcards):
    """What asks a language model: themis, of vLLM's own environment where that runs it."""
    model = config["language_models"][wildcards.lm]
    here = model["backend"] != "vllm"
    return (
        "themis" if here else shlex.quote(f"{model['vllm']['environment']}/bin/themis")
    )


def model_options(wildcards):
    """Options that say which language model answers, and how it runs."""
    model = config["language_models"][wildcards.lm]
    backend = model["backend"]
    folder = None if backend == "openai" else f"results/language_models/{wildcards.lm}"
    said = getattr(_study.language_models[wildcards.lm], backend, None)
    settings = said.model_dump_json(exclude_defaults=True) if said else None
    return [
        option("model", folder),
        option("backend", backend),
        option("settings", settings),
        option("dtype", model["dtype"]),
    ]


def named_model_options(wildcards):
    """The same, and the model's name in the table."""
    return [option("name", wildcards.lm), *model_options(wildcards)]


def gpus_of(wildcards):
    """GPUs that a step of a language model takes."""
    model = config["language_models"][wildcards.lm]
    return model["vllm"]["tensor_parallel"] if model["backend"] == "vllm" else 0


def requests_of(wildcards):
    """Requests that a step has on the way to a server."""
    model = config["language_models"][wildcards.lm]
    return model["openai"]["concurrency"] if model["backend"] == "openai" else 0


def source_of(wildcards):
    """Options that say where a language model comes from."""
    model = config["language_models"][wildcards.lm]
    return [
        option(key, model[key])
        for key in ("package", "file", "hub", "revision", "path")
    ]
