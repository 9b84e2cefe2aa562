from snakemake.utils import min_version

min_version("9.0")


configfile: "profiles/defaults.yaml"


# Used with `--software-deployment-method apptainer` only; `apptainer build envs/themis.sif envs/themis.def` makes it.
container: "envs/themis.sif"


include: "rules/common.smk"
include: "rules/options.smk"
include: "rules/language_models.smk"
include: "rules/runs.smk"
include: "rules/reward_models.smk"
include: "rules/sources.smk"
include: "rules/drawn.smk"
include: "rules/mine.smk"
include: "rules/contents.smk"
include: "rules/dedup.smk"
include: "rules/aspects.smk"
include: "rules/llm.smk"
include: "rules/bugs.smk"
include: "rules/preferences.smk"
include: "rules/collections.smk"
include: "rules/export.smk"
include: "rules/train.smk"
include: "rules/score.smk"
include: "rules/benchmarks.smk"
include: "rules/rerank.smk"
include: "rules/robustness.smk"
include: "rules/paper.smk"
include: "rules/notebooks_of_results.smk"
include: "rules/notebooks_of_data.smk"
include: "rules/upkeep.smk"


# On a cluster these run beside Snakemake: what only gathers or counts, and what fetches, as nodes may have no network.
localrules:
    attrition,
    consensus,
    cost,
    crb,
    decide,
    fetch_benchmark,
    fetch_reward_model,
    fetch_runs,
    gather_bugs,
    gather_instructions,
    gather_judgements,
    gather_recovered,
    gather_reviews,
    gather_score_shards,
    instruct_metrics,
    prepare_model,
    rerank,


onstart:
    check_machine_now()


rule all:
    default_target: True
    input:
        "results/crb.parquet",
        "results/attrition.parquet",
        "results/report.html",
        branch(
            PUBLIC_BENCHMARKS, then="results/metrics/benchmarks.parquet", otherwise=[]
        ),


rule benchmark:
    input:
        BENCHMARK,


rule preferences:
    input:
        "results/preferences/code.parquet",
        "results/preferences/general.parquet",


rule export:
    input:
        "results/datasets/preferences",
        f"results/datasets/{config['benchmark']['name']}",


rule paper:
    input:
        "results/crb.parquet",
        "results/report.html",
        expand("results/notebooks/{notebook}.html", notebook=NOTEBOOKS),
