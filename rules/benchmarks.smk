# A study without models of its own has nothing to score on them.
PUBLIC_BENCHMARKS = config["benchmarks"] if REWARD_MODELS else {}
PUBLIC_LEDGERS = [
    *expand("results/attrition/benchmark.{public}.parquet", public=PUBLIC_BENCHMARKS),
    *gather.scores(
        "results/attrition/shards/score.{benchmark}.{model}.{scatteritem}.parquet",
        benchmark=PUBLIC_BENCHMARKS,
        model=REWARD_MODELS,
    ),
]


rule fetch_benchmark:
    output:
        files=directory("results/fetched/{public}"),
    log:
        "results/logs/fetch_benchmark.{public}.log",
    benchmark:
        "results/logs/fetch_benchmark.{public}.tsv"
    wildcard_constraints:
        public="|".join(PUBLIC_BENCHMARKS) or "none",
    threads: 1
    resources:
        mem_mb=1000,
    params:
        files=lambda wildcards: [
            option("file", f"{name}={url}")
            for name, url in PUBLIC_BENCHMARKS[wildcards.public]["urls"].items()
        ],
    shell:
        "themis fetch-benchmark {output.files} {params.files} 2>&1 | tee {log}"


rule public_benchmark:
    input:
        source=source_of_benchmark,
    output:
        benchmark="results/benchmark/{public}.parquet",
        ledger="results/attrition/benchmark.{public}.parquet",
    log:
        "results/logs/benchmark.{public}.log",
    benchmark:
        "results/logs/benchmark.{public}.tsv"
    wildcard_constraints:
        public="|".join(PUBLIC_BENCHMARKS) or "none",
    threads: 1
    resources:
        mem_mb=2000,
    params:
        options=lambda wildcards, input: benchmark_options(wildcards, input.source),
        seed=lookup("seed", within=config),
    shell:
        "themis public-benchmark {wildcards.public} {output.benchmark} {params.options} --seed {params.seed}"
        " --ledger {output.ledger} 2>&1 | tee {log}"


rule measure_benchmarks:
    input:
        benchmarks=expand(
            "results/benchmark/{public}.parquet", public=PUBLIC_BENCHMARKS
        ),
        scores=expand(
            "results/scores/{public}/{model}.parquet",
            public=PUBLIC_BENCHMARKS,
            model=REWARD_MODELS,
        ),
    output:
        accuracies="results/metrics/benchmarks.parquet",
        table=tabled("results/tables/benchmarks.csv"),
    log:
        "results/logs/measure_benchmarks.log",
    benchmark:
        "results/logs/measure_benchmarks.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        benchmarks=lambda wildcards, input: [
            option("benchmark", path) for path in input.benchmarks
        ],
        resamples=lookup("analysis/resamples", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis measure-benchmarks {input.scores} {params.benchmarks} --out {output.accuracies}"
        " --csv {output.table} --resamples {params.resamples} --seed {params.seed} 2>&1 | tee {log}"
