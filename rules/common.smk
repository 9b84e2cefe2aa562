import os
import re
import shlex
import sys
from pathlib import Path

from themis.errors import Problem
from themis.records.measures import MEASURES
from themis.registry import gpus_needed, memory_needed, reference_model
from themis.study import digest, recipes, validate
from themis.study.collections import BUGGED
from themis.upkeep.again import writer
from themis.upkeep.needs import check_machine, disk_at_start, memory_at_start

# --- the study: checked once, defaults filled in; rules see plain values only ---

try:
    _study = validate(config)
    _runs = _study.published_runs
    if _runs and "://" not in _runs and not Path(_runs).is_dir():
        raise Problem(
            f"study.yaml: published_runs: {_runs}: no such folder; name yours with --config published_runs=FOLDER"
        )
except Problem as problem:
    print(f"themis: {problem}", file=sys.stderr)
    sys.exit(1)
config.update(_study.model_dump(mode="json"))

# The call of the user; jobs that a cluster runs are calls of their own.
_call = os.environ.setdefault("THEMIS_CALL", shlex.join(sys.argv[1:]))
# Every table carries the study's hash, every log begins with the command that runs its step again; a hub is asked only
# where the study names one.
shell.prefix(
    f"set -euo pipefail; export THEMIS_STUDY_HASH={digest(_study)} PYTHONUNBUFFERED=1"
    " TRANSFORMERS_VERBOSITY=error HF_HUB_DISABLE_PROGRESS_BARS=1; "
    + writer(shlex.split(_call)).replace("{", "{{").replace("}", "}}")
)


def check_machine_now():
    """Stop with one line where the machine has too little disk or, if jobs run on it, too little memory."""
    memory = memory_at_start(_study) if workflow.local_exec else 0
    try:
        check_machine(Path(), disk_at_start(_study), memory)
    except Problem as problem:
        print(f"themis: {problem}", file=sys.stderr)
        sys.exit(1)


# --- names ---

BENCHMARK = f"results/benchmark/{config['benchmark']['name']}.parquet"
REWARD_MODELS = {model["name"]: model for model in config["score"]["models"]}
PUBLISHED_RUNS = config["published_runs"]
IMPORTED = "results/scores/imported"
# A study may import runs and make nothing else: then there are no texts, no training and no ledger of commits.
ONLY_IMPORTED = PUBLISHED_RUNS is not None and not REWARD_MODELS
# Models that put candidate solutions in order: a judge only compares two.
RERANKED = [
    name
    for name, model in REWARD_MODELS.items()
    if model["family"] != "judge"
    and (config["rerank"]["candidates"] or config["rerank"]["problems"])
]
MEASURED = {name: f"results/measures/{name}.parquet" for name in MEASURES}
TRAINED = recipes.resolve(_study.train)
RUNS = {(run.model, run.name): run for run in recipes.runs(TRAINED)}
MERGES = {
    name: model for name, model in TRAINED.items() if isinstance(model, recipes.Merge)
}
# Collections of the two sets, and the programs that faults are put into for them.
MIXED = list(
    dict.fromkeys(config["collections"]["code"] + config["collections"]["general"])
)
COLLECTED = [
    *(name.removeprefix(BUGGED) for name in MIXED if name.startswith(BUGGED)),
    *MIXED,
]


wildcard_constraints:
    lm="|".join(map(re.escape, config["language_models"])),
    model="[A-Za-z0-9_-][A-Za-z0-9._-]*",
    stage="|".join(stage["name"] for stage in config["train"]["stages"]),
    benchmark="[A-Za-z0-9_-]+",
    faults=f"mutants|bugs|{BUGGED}[a-z0-9_]+",


scattergather:
    contents=config["contents"]["shards"],
    aspects=config["aspects"]["shards"],
    reviews=config["review"]["shards"],
    instructions=config["instruct"]["shards"],
    judgements=config["judge"]["shards"],
    recovered=config["recover"]["shards"],
    bugs=config["bugs"]["shards"],
    scores=config["score"]["shards"],


# --- helpers of input functions and params ---


def shard_of(wildcards):
    """`--shard I --shards N` from Snakemake's `i-of-n`."""
    index, _, total = wildcards.scatteritem.partition("-of-")
    return f"--shard {int(index) - 1} --shards {total}"


def option(name, value):
    """An option with its value, or nothing where the value is none."""
    return "" if value is None else f"--{name} {shlex.quote(str(value))}"


def switch(name, value):
    """An option that is on or off."""
    name = name.replace("_", "-")
    return f"--{name}" if value else f"--no-{name}"


def balance_of(family):
    """Options that say within what a family's pairs are balanced by length; none where they are not."""
    settings = config[family]
    return [
        option("balance-within", column)
        for column in settings["balance_within"]
        if settings["balance"] == "downsample"
    ]


def is_url(source):
    """Whether runs scored elsewhere are to be fetched."""
    return source.startswith(("http://", "https://"))


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


def sampling_of(stage):
    """Options that say how a stage's texts are written."""
    return [
        option(name.replace("_", "-"), config[stage][name])
        for name in ("max_new_tokens", "temperature", "top_p")
    ]


def collection_of(name):
    """A collection as the sets are mixed from it: with its missing prompts recovered where the study says so."""
    recovered = config["recover"]["writer"] and name in config["recover"]["collections"]
    return f"results/{'recovered' if recovered else 'collections'}/{name}.parquet"


def exported(trained):
    """The weights of a run or a merge, or of the language model that a name stands for."""
    if isinstance(trained, str):
        return language_model(trained)
    return f"results/models/{trained.model}/{trained.name}/export/model.safetensors"


def run_of(wildcards):
    """The run of a stage of a model."""
    run = RUNS.get((wildcards.model, wildcards.stage))
    if run is None:
        raise WorkflowError(
            f"train: the study has no run of the stage {wildcards.stage} for {wildcards.model} (runs that are equal are "
            "done once, under the name of the first model)"
        )
    return run


def selection_of(wildcards):
    """Options that say which pairs a run trains on."""
    run = run_of(wildcards)
    return [
        *(option("criterion", criterion) for criterion in run.criteria),
        *(option("language", language) for language in run.languages),
        option("max-pairs", run.max_pairs),
        switch("system", run.system),
    ]


def on_nodes(value):
    """A resource of a run that several machines share; unset where one does it."""
    return lambda wildcards: (
        value(run_of(wildcards)) if run_of(wildcards).nodes > 1 else None
    )


def srun_of(wildcards):
    """What starts a run's processes on several machines; nothing where one does it."""
    run = run_of(wildcards)
    if run.nodes == 1:
        return ""
    return (
        f"srun --nodes {run.nodes} --ntasks-per-node {run.processes} --cpus-per-task {config['train']['threads']}"
        " --kill-on-bad-exit=1 "
    )


def source_of(wildcards):
    """Options that say where a language model comes from."""
    model = config["language_models"][wildcards.lm]
    return [
        option(key, model[key])
        for key in ("package", "file", "hub", "revision", "path")
    ]


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
    """Options of one reward model, where its line has them."""
    model = REWARD_MODELS[wildcards.model]
    lines = {line.name: line for line in _study.score.models}
    said = getattr(lines[wildcards.model], model["backend"], None)
    settings = said.model_dump_json(exclude_defaults=True) if said else None
    return [
        option("checkpoint", Path(str(weights)).parent if weights else None),
        *(
            option(name.replace("_", "-"), model[name])
            for name in ("hub", "revision", "scoring", "reply_tokens", "backend")
        ),
        option("settings", settings),
        switch("trust_remote_code", model["trust_remote_code"]),
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


def scoring_mb(wildcards):
    """Memory of a scoring job: the weights pass through it, whatever computes with them."""
    return int(1.15 * 1024 * scoring_gib(wildcards))


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


def place_of(wildcards):
    """Options that say where a public data set lies, and how much of it is taken."""
    place = config["collections"]["places"].get(wildcards.public, {})
    columns = place.get("columns", {})
    return [
        *(
            option(key.replace("_", "-"), place.get(key))
            for key in ("path", "hub", "revision", "max_rows")
        ),
        *(option("column", f"{part}={name}") for part, name in columns.items()),
    ]


def programs_of(wildcards):
    """The sound programs of a collection of faults: the study's commits, or a public collection."""
    name = wildcards.faults.removeprefix(BUGGED)
    if name == wildcards.faults:
        return "results/contents/accepted.parquet"
    return f"results/collections/{name}.parquet"


def instructions_of(wildcards):
    """What the programs were written for; a public collection says it itself."""
    own = not wildcards.faults.startswith(BUGGED)
    return f"results/instructions/{config['instruct']['writer']}.parquet" if own else []


def perplexity_options():
    """Options that say what tells a prompt's language, what measures its perplexity, and the limit."""
    settings = config["preferences"]
    perplexity = settings["perplexity"]
    model = perplexity["language_model"]
    return [
        option("language-identifier", settings["language_identifier"]),
        option("kenlm", perplexity["kenlm"]),
        option("sentencepiece", perplexity["sentencepiece"]),
        option("perplexity-model", model and f"results/language_models/{model}"),
        option("max-perplexity", perplexity["most"]),
    ]


def perplexity_files():
    """The files that these options name."""
    settings = config["preferences"]
    perplexity = settings["perplexity"]
    model = perplexity["language_model"]
    files = [
        settings["language_identifier"],
        perplexity["kenlm"],
        perplexity["sentencepiece"],
    ]
    return [path for path in files if path] + ([language_model(model)] if model else [])


def source_of_benchmark(wildcards):
    """The files of a public benchmark; none where the hub has them."""
    line = PUBLIC_BENCHMARKS[wildcards.public]
    fetched = f"results/fetched/{wildcards.public}" if line["urls"] else None
    return fetched or line["path"] or []


def benchmark_options(wildcards, path):
    """Options that say what a public benchmark's files are, and how much of them is taken."""
    line = PUBLIC_BENCHMARKS[wildcards.public]
    return [
        option("path", path or None),
        *(
            option(name, line[name])
            for name in ("format", "hub", "revision", "config", "aspect", "sample")
        ),
        *(option("split", split) for split in line["splits"]),
        *(option("column", f"{part}={name}") for part, name in line["columns"].items()),
    ]


def last_finished(wildcards):
    """When the newest benchmark file of another step was written: the cost is counted anew after it."""
    found = Path("results/logs").glob("*.tsv")
    return max(
        (path.stat().st_mtime_ns for path in found if path.name != "cost.tsv"),
        default=0,
    )
