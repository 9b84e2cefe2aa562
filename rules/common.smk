import shlex
import sys
from pathlib import Path

from themis.errors import Problem
from themis.records.measures import MEASURES
from themis.study import digest, validate

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

# Every table carries the study's hash; a hub is asked only where the study names one.
shell.prefix(
    f"set -euo pipefail; export THEMIS_STUDY_HASH={digest(_study)} PYTHONUNBUFFERED=1"
    " TRANSFORMERS_VERBOSITY=error HF_HUB_DISABLE_PROGRESS_BARS=1; "
)

# --- names ---

BENCHMARK = f"results/benchmark/{config['benchmark']['name']}.parquet"
REWARD_MODELS = {model["name"]: model for model in config["score"]["models"]}
PUBLISHED_RUNS = config["published_runs"]
IMPORTED = "results/scores/imported"
# A study may import runs and make nothing else: then there are no texts, no training and no ledger of commits.
ONLY_IMPORTED = PUBLISHED_RUNS is not None and not REWARD_MODELS
MEASURED = {name: f"results/measures/{name}.parquet" for name in MEASURES}
STAGES = {stage["name"]: stage for stage in config["train"]["stages"]}


wildcard_constraints:
    lm="[A-Za-z0-9._-]+",
    model="[A-Za-z0-9_-][A-Za-z0-9._-]*",
    stage="|".join(STAGES),
    benchmark="[A-Za-z0-9_-]+",


scattergather:
    contents=config["contents"]["shards"],
    reviews=config["review"]["shards"],
    instructions=config["instruct"]["shards"],
    judgements=config["judge"]["shards"],


# --- helpers of input functions and params ---


def shard_of(wildcards):
    """`--shard I --shards N` from Snakemake's `i-of-n`."""
    index, _, total = wildcards.scatteritem.partition("-of-")
    return f"--shard {int(index) - 1} --shards {total}"


def option(name, value):
    """An option with its value, or nothing where the value is none."""
    return "" if value is None else f"--{name} {shlex.quote(str(value))}"


def is_url(source):
    """Whether runs scored elsewhere are to be fetched."""
    return source.startswith(("http://", "https://"))


def language_model(name):
    """The marker file of a prepared language model."""
    return f"results/language_models/{name}/model.safetensors"


def exported(stage):
    """The export of a training stage."""
    return f"results/models/{config['train']['name']}/{stage}/export/model.safetensors"


def last_export():
    """The export of the last training stage."""
    return exported(list(STAGES)[-1])


def source_of(wildcards):
    """Options that say where a language model comes from."""
    model = config["language_models"][wildcards.lm]
    return [
        option(key, model[key])
        for key in ("package", "file", "hub", "revision", "path")
    ]


def start_of(wildcards):
    """What a stage starts from: the export of the stage before, or the base."""
    names = list(STAGES)
    place = names.index(wildcards.stage)
    return (
        exported(names[place - 1]) if place else language_model(config["train"]["base"])
    )


def weights_of(wildcards):
    """The weights a reward model is scored with: a trained one, a language model's, a folder's, or none."""
    source = REWARD_MODELS[wildcards.model]["checkpoint"]
    if source is None:
        return []
    if source == config["train"]["name"]:
        return last_export()
    if source in config["language_models"]:
        return language_model(source)
    return f"{source}/model.safetensors"
