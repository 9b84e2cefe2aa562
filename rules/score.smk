rule fetch_reward_model:
    output:
        "results/reward_models/{model}/config.json",
    log:
        "results/logs/fetch_reward_model.{model}.log",
    benchmark:
        "results/logs/fetch_reward_model.{model}.tsv"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        source=lambda wildcards: [
            option(key, REWARD_MODELS[wildcards.model][key])
            for key in ("hub", "revision")
        ],
        template=switch("needs-template", config["score"]["protocol"] == "exact"),
        code=lambda wildcards: switch(
            "code", REWARD_MODELS[wildcards.model]["trust_remote_code"]
        ),
    shell:
        "themis prepare-model results/reward_models/{wildcards.model} {params.source} {params.template} {params.code}"
        " 2>&1 | tee {log}"


# A shard is a job: as many GPUs or nodes work side by side as there are shards.
rule score:
    input:
        benchmark="results/benchmark/{benchmark}.parquet",
        weights=weights_of,
    output:
        scores=temp("results/scores/shards/{benchmark}/{model}.{scatteritem}.parquet"),
        manifest=temp("results/scores/shards/{benchmark}/{model}.{scatteritem}.json"),
        ledger="results/attrition/shards/score.{benchmark}.{model}.{scatteritem}.parquet",
    log:
        "results/logs/score.{benchmark}.{model}.{scatteritem}.log",
    benchmark:
        "results/logs/score.{benchmark}.{model}.{scatteritem}.tsv"
    threads: 1
    resources:
        mem_mb=scoring_mb,
        gpu=scoring_gpus,
        nodes=1,
        requests=scoring_requests,
    params:
        themis=scored_by,
        options=lambda wildcards, input: scoring_options(wildcards, input.weights),
        prompt_mode=prompt_mode_of,
        shard=shard_of,
        seed=lookup("seed", within=config),
    shell:
        "{params.themis} score {input.benchmark} {output.scores} {params.options}"
        " --prompt-mode {params.prompt_mode} {params.shard} --threads {threads} --seed {params.seed}"
        " --cache results/cache/score.{wildcards.benchmark}.{wildcards.model}.{wildcards.scatteritem}.jsonl"
        " --ledger {output.ledger} 2>&1 | tee {log}"


rule gather_score_shards:
    input:
        benchmark="results/benchmark/{benchmark}.parquet",
        scores=gather.scores(
            "results/scores/shards/{{benchmark}}/{{model}}.{scatteritem}.parquet"
        ),
        manifests=gather.scores(
            "results/scores/shards/{{benchmark}}/{{model}}.{scatteritem}.json"
        ),
    output:
        scores="results/scores/{benchmark}/{model}.parquet",
        manifest="results/scores/{benchmark}/{model}.json",
    log:
        "results/logs/gather_score_shards.{benchmark}.{model}.log",
    benchmark:
        "results/logs/gather_score_shards.{benchmark}.{model}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    shell:
        "themis gather-score-shards {input.benchmark} {output.scores} {input.scores} 2>&1 | tee {log}"


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
