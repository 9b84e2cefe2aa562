rule measure_terms:
    input:
        mined="results/commits/mined.parquet",
        # The published lists are a folder outside the run; the rule is run again when it is another one.
        reference=config["aspects"]["reference_terms"] or [],
    output:
        quality="results/aspects/term_quality.parquet",
    log:
        "results/logs/measure_terms.log",
    benchmark:
        "results/logs/measure_terms.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        reference=option("reference", config["aspects"]["reference_terms"]),
    shell:
        "themis measure-terms {output.quality} --commits {input.mined} {params.reference} 2>&1 | tee {log}"


rule train_aspects:
    input:
        deduplicated="results/contents/deduplicated.parquet",
    output:
        classifiers=directory("results/aspects/classifiers"),
        metrics="results/aspects/metrics.parquet",
        curves="results/aspects/curves.parquet",
    log:
        "results/logs/train_aspects.log",
    benchmark:
        "results/logs/train_aspects.tsv"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        classifier=lookup("aspects/classifier", within=config),
        base=option("base", config["aspects"]["classifier"]["base"]),
        seed=lookup("seed", within=config),
    shell:
        "themis train-aspects {input.deduplicated} {output.classifiers} --metrics {output.metrics}"
        " --curves {output.curves} {params.base}"
        " --layers {params.classifier[layers]} --width {params.classifier[width]}"
        " --max-tokens {params.classifier[max_tokens]} --epochs {params.classifier[epochs]}"
        " --batch-size {params.classifier[batch_size]} --learning-rate {params.classifier[learning_rate]}"
        " --held-out {params.classifier[held_out]} --max-seeds {params.classifier[max_seeds]}"
        " --min-precision {params.classifier[min_precision]} --threads {threads} --seed {params.seed}"
        " 2>&1 | tee {log}"


rule label_aspects:
    input:
        deduplicated="results/contents/deduplicated.parquet",
        classifiers="results/aspects/classifiers",
    output:
        aspects=temp("results/aspects/shards/{scatteritem}.parquet"),
    log:
        "results/logs/label_aspects.{scatteritem}.log",
    benchmark:
        "results/logs/label_aspects.{scatteritem}.tsv"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        shard=shard_of,
        seed=lookup("seed", within=config),
    shell:
        "themis label-aspects {input.deduplicated} {input.classifiers} {output.aspects} {params.shard}"
        " --threads {threads} --seed {params.seed} 2>&1 | tee {log}"


rule gather_aspects:
    input:
        deduplicated="results/contents/deduplicated.parquet",
        shards=gather.aspects("results/aspects/shards/{scatteritem}.parquet"),
    output:
        labelled="results/aspects/labelled.parquet",
        ledger="results/attrition/aspects.parquet",
    log:
        "results/logs/gather_aspects.log",
    benchmark:
        "results/logs/gather_aspects.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        # Caps are shared out over all rows, so no shard can keep to them by itself.
        caps=[
            option(
                f"max-{split}-rows",
                config["aspects"][f"max_{split}_rows"],
            )
            for split in ("train", "benchmark")
        ],
        seed=lookup("seed", within=config),
    shell:
        "themis gather-aspects {input.deduplicated} {output.labelled} {input.shards} {params.caps}"
        " --seed {params.seed} --ledger {output.ledger} 2>&1 | tee {log}"
