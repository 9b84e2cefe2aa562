rule prepare_model:
    output:
        "results/language_models/{lm}/model.safetensors",
    log:
        "results/logs/prepare_model.{lm}.log",
    benchmark:
        "results/logs/prepare_model.{lm}.tsv"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        source=source_of,
    shell:
        "themis prepare-model results/language_models/{wildcards.lm} {params.source} 2>&1 | tee {log}"


rule review:
    input:
        labelled="results/aspects/labelled.parquet",
        model=lambda wildcards: language_model(wildcards.lm),
    output:
        reviews=temp("results/reviews/shards/{lm}.{scatteritem}.parquet"),
    log:
        "results/logs/review.{lm}.{scatteritem}.log",
    benchmark:
        "results/logs/review.{lm}.{scatteritem}.tsv"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        shard=shard_of,
        samples=lookup("review/samples", within=config),
        dtype=lookup("language_models/{lm}/dtype", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis review {input.labelled} {output.reviews} --model results/language_models/{wildcards.lm}"
        " --name {wildcards.lm} --samples {params.samples} --seed {params.seed} {params.shard}"
        " --cache results/cache/review.{wildcards.lm}.{wildcards.scatteritem}.jsonl --threads {threads}"
        " --dtype {params.dtype} 2>&1 | tee {log}"


rule gather_reviews:
    input:
        gather.reviews("results/reviews/shards/{{lm}}.{scatteritem}.parquet"),
    output:
        reviews="results/reviews/{lm}.parquet",
    log:
        "results/logs/gather_reviews.{lm}.log",
    benchmark:
        "results/logs/gather_reviews.{lm}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    shell:
        "themis gather {output.reviews} reviews {input} 2>&1 | tee {log}"


rule consensus:
    input:
        labelled="results/aspects/labelled.parquet",
        reviews=expand("results/reviews/{lm}.parquet", lm=config["review"]["reviewers"]),
    output:
        accepted="results/contents/accepted.parquet",
        ledger="results/attrition/review.parquet",
        metrics="results/metrics/review.parquet",
    log:
        "results/logs/consensus.log",
    benchmark:
        "results/logs/consensus.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        reviews=lambda wildcards, input: [f"--reviews {path}" for path in input.reviews],
        min_rating=lookup("review/min_rating", within=config),
        policy=lookup("review/consensus", within=config),
    shell:
        "themis consensus {input.labelled} {output.accepted} {params.reviews} --min-rating {params.min_rating}"
        " --policy {params.policy} --ledger {output.ledger} --metrics {output.metrics} 2>&1 | tee {log}"


rule instruct:
    input:
        accepted="results/contents/accepted.parquet",
        model=lambda wildcards: language_model(wildcards.lm),
    output:
        instructions=temp("results/instructions/shards/{lm}.{scatteritem}.parquet"),
    log:
        "results/logs/instruct.{lm}.{scatteritem}.log",
    benchmark:
        "results/logs/instruct.{lm}.{scatteritem}.tsv"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        shard=shard_of,
        max_new_tokens=lookup("instruct/max_new_tokens", within=config),
        temperature=lookup("instruct/temperature", within=config),
        dtype=lookup("language_models/{lm}/dtype", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis instruct {input.accepted} {output.instructions} --model results/language_models/{wildcards.lm}"
        " --name {wildcards.lm} --max-new-tokens {params.max_new_tokens} --temperature {params.temperature}"
        " --seed {params.seed} {params.shard}"
        " --cache results/cache/instruct.{wildcards.lm}.{wildcards.scatteritem}.jsonl --threads {threads} --batch-tokens 8192"
        " --dtype {params.dtype} 2>&1 | tee {log}"


rule gather_instructions:
    input:
        gather.instructions("results/instructions/shards/{{lm}}.{scatteritem}.parquet"),
    output:
        instructions="results/instructions/{lm}.parquet",
    log:
        "results/logs/gather_instructions.{lm}.log",
    benchmark:
        "results/logs/gather_instructions.{lm}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    shell:
        "themis gather {output.instructions} instructions {input} 2>&1 | tee {log}"


rule judge:
    input:
        accepted="results/contents/accepted.parquet",
        instructions=expand(
            "results/instructions/{writer}.parquet",
            writer=config["instruct"]["writer"],
        ),
        model=lambda wildcards: language_model(wildcards.lm),
    output:
        judgements=temp("results/judgements/shards/{lm}.{scatteritem}.parquet"),
    log:
        "results/logs/judge.{lm}.{scatteritem}.log",
    benchmark:
        "results/logs/judge.{lm}.{scatteritem}.tsv"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        shard=shard_of,
        votes=lookup("judge/votes", within=config),
        dtype=lookup("language_models/{lm}/dtype", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis judge {input.accepted} {input.instructions} {output.judgements}"
        " --model results/language_models/{wildcards.lm} --name {wildcards.lm} --votes {params.votes}"
        " --seed {params.seed} {params.shard}"
        " --cache results/cache/judge.{wildcards.lm}.{wildcards.scatteritem}.jsonl --threads {threads}"
        " --dtype {params.dtype} 2>&1 | tee {log}"


rule gather_judgements:
    input:
        gather.judgements("results/judgements/shards/{{lm}}.{scatteritem}.parquet"),
    output:
        judgements="results/judgements/{lm}.parquet",
    log:
        "results/logs/gather_judgements.{lm}.log",
    benchmark:
        "results/logs/gather_judgements.{lm}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    shell:
        "themis gather {output.judgements} judgements {input} 2>&1 | tee {log}"


rule judge_metrics:
    input:
        judgements=expand(
            "results/judgements/{lm}.parquet", lm=config["judge"]["judges"]
        ),
    output:
        metrics="results/metrics/judge.parquet",
    log:
        "results/logs/judge_metrics.log",
    benchmark:
        "results/logs/judge_metrics.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        judgements=lambda wildcards, input: [
            f"--judgements {path}" for path in input.judgements
        ],
    shell:
        "themis judge-metrics {output.metrics} {params.judgements} 2>&1 | tee {log}"
