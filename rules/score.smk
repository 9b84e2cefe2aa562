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


rule crb:
    input:
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
        "themis gather-scores {output.crb} {input.scores} 2>&1 | tee {log}"
