import os
import re
import shlex
import sys
from pathlib import Path

from themis.errors import Problem
from themis.records.measures import MEASURES
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
