rule prepare_model:
    output:
        "results/language_models/{lm}/config.json",
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
        model=model_of,
    output:
        reviews=temp("results/reviews/shards/{lm}.{scatteritem}.parquet"),
    log:
        "results/logs/review.{lm}.{scatteritem}.log",
    benchmark:
        "results/logs/review.{lm}.{scatteritem}.tsv"
    threads: 1
    resources:
        mem_mb=4000,
        gpu=gpus_of,
        nodes=1,
        requests=requests_of,
    params:
        themis=command_of,
        shard=shard_of,
        samples=lookup("review/samples", within=config),
        answer=lookup("review/answer", within=config),
        context=option("context-lines", config["review"]["context_lines"]),
        sampling=sampling_of("review"),
        model=named_model_options,
        seed=lookup("seed", within=config),
    shell:
        "{params.themis} review {input.labelled} {output.reviews} {params.model} {params.shard}"
        " --samples {params.samples} --answer {params.answer} {params.context} {params.sampling}"
        " --seed {params.seed} --threads {threads}"
        " --cache results/cache/review.{wildcards.lm}.{wildcards.scatteritem}.jsonl 2>&1 | tee {log}"


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
        policy=lookup("review/consensus", within=config),
        bars=[
            option(name.replace("_", "-"), config["review"][name])
            for name in ("min_rating", "min_reviewers", "at_least", "trim")
        ],
    shell:
        "themis consensus {input.labelled} {output.accepted} {params.reviews} --policy {params.policy} {params.bars}"
        " --ledger {output.ledger} --metrics {output.metrics} 2>&1 | tee {log}"


rule instruct:
    input:
        accepted="results/contents/accepted.parquet",
        model=model_of,
    output:
        instructions=temp("results/instructions/shards/{lm}.{scatteritem}.parquet"),
    log:
        "results/logs/instruct.{lm}.{scatteritem}.log",
    benchmark:
        "results/logs/instruct.{lm}.{scatteritem}.tsv"
    threads: 1
    resources:
        mem_mb=4000,
        gpu=gpus_of,
        nodes=1,
        requests=requests_of,
    params:
        themis=command_of,
        shard=shard_of,
        sees=lookup("instruct/sees", within=config),
        sampling=sampling_of("instruct"),
        model=named_model_options,
        seed=lookup("seed", within=config),
    shell:
        "{params.themis} instruct {input.accepted} {output.instructions} {params.model} {params.shard}"
        " --sees {params.sees} {params.sampling} --seed {params.seed} --threads {threads} --batch-tokens 8192"
        " --cache results/cache/instruct.{wildcards.lm}.{wildcards.scatteritem}.jsonl 2>&1 | tee {log}"


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


rule instruct_metrics:
    input:
        instructions=f"results/instructions/{config['instruct']['writer']}.parquet",
    output:
        metrics="results/metrics/instruct.parquet",
    log:
        "results/logs/instruct_metrics.log",
    benchmark:
        "results/logs/instruct_metrics.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    shell:
        "themis instruct-metrics {output.metrics} --instructions {input.instructions} 2>&1 | tee {log}"


rule judge:
    input:
        accepted="results/contents/accepted.parquet",
        instructions=f"results/instructions/{config['instruct']['writer']}.parquet",
        model=model_of,
    output:
        judgements=temp("results/judgements/shards/{lm}.{scatteritem}.parquet"),
    log:
        "results/logs/judge.{lm}.{scatteritem}.log",
    benchmark:
        "results/logs/judge.{lm}.{scatteritem}.tsv"
    threads: 1
    resources:
        mem_mb=4000,
        gpu=gpus_of,
        nodes=1,
        requests=requests_of,
    params:
        themis=command_of,
        shard=shard_of,
        votes=lookup("judge/votes", within=config),
        answer=lookup("judge/answer", within=config),
        sampling=sampling_of("judge"),
        model=named_model_options,
        seed=lookup("seed", within=config),
    shell:
        "{params.themis} judge {input.accepted} {input.instructions} {output.judgements} {params.model} {params.shard}"
        " --votes {params.votes} --answer {params.answer} {params.sampling} --seed {params.seed} --threads {threads}"
        " --cache results/cache/judge.{wildcards.lm}.{wildcards.scatteritem}.jsonl 2>&1 | tee {log}"


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


rule decide:
    input:
        accepted="results/contents/accepted.parquet",
        judgements=expand(
            "results/judgements/{lm}.parquet", lm=config["judge"]["judges"]
        ),
    output:
        decisions="results/judgements/decisions.parquet",
        metrics="results/metrics/judge.parquet",
    log:
        "results/logs/decide.log",
    benchmark:
        "results/logs/decide.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        judgements=lambda wildcards, input: [
            f"--judgements {path}" for path in input.judgements
        ],
        rule=lookup("judge/rule", within=config),
        margin=lookup("judge/margin", within=config),
    shell:
        "themis decide {input.accepted} {output.decisions} {params.judgements} --rule {params.rule}"
        " --margin {params.margin} --metrics {output.metrics} 2>&1 | tee {log}"


rule recover:
    input:
        collection="results/collections/{collection}.parquet",
        model=model_of,
    output:
        collection=temp(
            "results/recovered/shards/{lm}/{collection}.{scatteritem}.parquet"
        ),
        metrics="results/metrics/recover/{lm}/{collection}.{scatteritem}.parquet",
    log:
        "results/logs/recover.{lm}.{collection}.{scatteritem}.log",
    benchmark:
        "results/logs/recover.{lm}.{collection}.{scatteritem}.tsv"
    wildcard_constraints:
        collection="[A-Za-z0-9_-]+",
    threads: 1
    resources:
        mem_mb=4000,
        gpu=gpus_of,
        nodes=1,
        requests=requests_of,
    params:
        themis=command_of,
        shard=shard_of,
        sampling=sampling_of("recover"),
        model=model_options,
        seed=lookup("seed", within=config),
    shell:
        "{params.themis} recover {input.collection} {output.collection} {params.model} {params.shard}"
        " {params.sampling} --seed {params.seed} --threads {threads} --metrics {output.metrics}"
        " --cache results/cache/recover.{wildcards.lm}.{wildcards.collection}.{wildcards.scatteritem}.jsonl"
        " 2>&1 | tee {log}"


rule gather_recovered:
    input:
        gather.recovered(
            "results/recovered/shards/{lm}/{{collection}}.{scatteritem}.parquet",
            lm=config["recover"]["writer"],
        ),
    output:
        collection="results/recovered/{collection}.parquet",
    log:
        "results/logs/gather_recovered.{collection}.log",
    benchmark:
        "results/logs/gather_recovered.{collection}.tsv"
    wildcard_constraints:
        collection="[A-Za-z0-9_-]+",
    threads: 1
    resources:
        mem_mb=1000,
    shell:
        "themis gather {output.collection} collection {input} 2>&1 | tee {log}"
