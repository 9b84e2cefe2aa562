from snakemake.utils import min_version

min_version("9.0")


configfile: "profiles/defaults.yaml"


# Used with `--software-deployment-method apptainer` only; `apptainer build envs/themis.sif envs/themis.def` makes it.
container: "envs/themis.sif"


include: "rules/common.smk"
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
include: "rules/upkeep.smk"


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
