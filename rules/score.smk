rule score:
    input:
        benchmark="results/benchmark/{benchmark}.parquet",
        weights=weights_of,
    output:
        scores="results/scores/{benchmark}/{model}.parquet",
        ledger="results/attrition/score.{benchmark}.{model}.parquet",
    log:
        "results/logs/score.{benchmark}.{model}.log",
    benchmark:
        "results/logs/score.{benchmark}.{model}.tsv"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        model=lambda wildcards: REWARD_MODELS[wildcards.model],
        source=lambda wildcards, input: (
            option("checkpoint", Path(str(input.weights)).parent)
            if input.weights
            else ""
        ),
        max_tokens=lookup("score/max_tokens", within=config),
        batch_tokens=lookup("score/batch_tokens", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis score {input.benchmark} {output.scores} --name {wildcards.model} --family {params.model[family]}"
        " {params.source} --prompt-mode {params.model[prompt_mode]} --max-tokens {params.max_tokens}"
        " --batch-tokens {params.batch_tokens} --threads {threads} --seed {params.seed}"
        " --cache results/cache/score.{wildcards.benchmark}.{wildcards.model}.jsonl"
        " --ledger {output.ledger} 2>&1 | tee {log}"


rule fetch_runs:
    output:
        runs=directory("results/published_runs"),
    log:
        "results/logs/fetch_runs.log",
    benchmark:
        "results/logs/fetch_runs.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        source=PUBLISHED_RUNS,
    shell:
        "themis fetch-runs {params.source:q} {output.runs} 2>&1 | tee {log}"


rule import_runs:
    input:
        runs=branch(
            is_url(PUBLISHED_RUNS or ""),
            then="results/published_runs",
            otherwise=PUBLISHED_RUNS or [],
        ),
        benchmark=branch(REWARD_MODELS, then=BENCHMARK, otherwise=[]),
    output:
        scores=directory(IMPORTED),
        findings="results/scores/findings.parquet",
        ledger="results/attrition/import.parquet",
    log:
        "results/logs/import_runs.log",
    benchmark:
        "results/logs/import_runs.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        name=config["benchmark"]["name"],
        benchmark=lambda wildcards, input: option("benchmark", input.benchmark or None),
    shell:
        "themis import-runs {input.runs:q} {output.scores} --findings {output.findings}"
        " --ledger {output.ledger} --name {params.name} {params.benchmark} 2>&1 | tee {log}"


rule crb:
    input:
        imported=branch(PUBLISHED_RUNS, then=IMPORTED, otherwise=[]),
        scores=expand(
            "results/scores/{benchmark}/{model}.parquet",
            benchmark=config["benchmark"]["name"],
            model=REWARD_MODELS,
        ),
    output:
        crb="results/crb.parquet",
    log:
        "results/logs/crb.log",
    benchmark:
        "results/logs/crb.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    shell:
        "themis gather-scores {output.crb} {input.imported} {input.scores} 2>&1 | tee {log}"
