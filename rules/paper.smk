# In the order of the chain: what one stage keeps, the next takes in.
LEDGERS = [
    *(["results/attrition/import.parquet"] if PUBLISHED_RUNS else []),
    *(
        []
        if ONLY_IMPORTED
        else [
            "results/attrition/mine.parquet",
            "results/attrition/select.parquet",
            *gather.contents("results/attrition/shards/retrieve.{scatteritem}.parquet"),
            "results/attrition/deduplicate.parquet",
            "results/attrition/aspects.parquet",
            "results/attrition/review.parquet",
            "results/attrition/benchmark.parquet",
            *expand(
                "results/attrition/collect.{collection}.parquet", collection=COLLECTED
            ),
            "results/attrition/assemble_code.parquet",
            "results/attrition/assemble_general.parquet",
            *(
                f"results/attrition/train.{model}.{stage}.parquet"
                for model, stage in RUNS
            ),
        ]
    ),
    *gather.scores(
        "results/attrition/shards/score.{benchmark}.{model}.{scatteritem}.parquet",
        benchmark=config["benchmark"]["name"],
        model=REWARD_MODELS,
    ),
    *(
        ["results/attrition/rerank_set.parquet"]
        if RERANKED and not config["rerank"]["candidates"]
        else []
    ),
    *expand("results/attrition/rerank.{model}.parquet", model=RERANKED),
    *(["results/attrition/perturb.parquet"] if TESTED else []),
    *PUBLIC_LEDGERS,
]
NOTEBOOKS = [
    "rq1_criteria",
    "rq2_interference",
    "rq3_transfer",
    "rq4_robustness",
    "explore_scores",
    "tables",
    *(["explore_reranking"] if RERANKED else []),
    *(
        []
        if ONLY_IMPORTED
        else [
            "explore_training",
            "explore_commits",
            "explore_contents",
            "explore_aspects",
            "explore_preferences",
            "data",
        ]
    ),
]


rule attrition:
    input:
        LEDGERS,
    output:
        "results/attrition.parquet",
    log:
        "results/logs/attrition.log",
    benchmark:
        "results/logs/attrition.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    shell:
        "themis gather-attrition {input} --out {output} 2>&1 | tee {log}"


rule measure:
    input:
        crb="results/crb.parquet",
        benchmark=branch(ONLY_IMPORTED, then=[], otherwise=BENCHMARK),
    output:
        list(MEASURED.values()),
    log:
        "results/logs/measure.log",
    benchmark:
        "results/logs/measure.tsv"
    threads: 2
    resources:
        mem_mb=2000,
    params:
        benchmark=lambda wildcards, input: option("benchmark", input.benchmark or None),
        trained=[
            option("trained-subset", pattern)
            for pattern in config["analysis"]["trained_subsets"]
        ],
        resamples=lookup("analysis/resamples", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis measure {input.crb} results/measures {params.benchmark} {params.trained}"
        " --resamples {params.resamples} --seed {params.seed} 2>&1 | tee {log}"


rule report:
    input:
        crb="results/crb.parquet",
        attrition="results/attrition.parquet",
        benchmark=branch(ONLY_IMPORTED, then=[], otherwise=BENCHMARK),
        notebooks=expand("results/notebooks/{notebook}.html", notebook=NOTEBOOKS),
    output:
        page="results/report.html",
    log:
        "results/logs/report.log",
    benchmark:
        "results/logs/report.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        benchmark=lambda wildcards, input: option("benchmark", input.benchmark or None),
        notebooks=lambda wildcards, input: [
            f"--notebook {path}" for path in input.notebooks
        ],
        command=branch(
            ONLY_IMPORTED,
            then="snakemake --profile profiles/published paper",
            otherwise="make crb",
        ),
        seed=lookup("seed", within=config),
    shell:
        "themis report {output.page} --crb {input.crb} --attrition {input.attrition} {params.benchmark}"
        " --figures results/figures {params.notebooks} --command {params.command:q} --seed {params.seed}"
        " 2>&1 | tee {log}"
