rule train_aspects:
    input:
        deduplicated="results/contents/deduplicated.parquet",
    output:
        classifiers=directory("results/aspects/classifiers"),
        metrics="results/aspects/metrics.parquet",
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
        threshold=lookup("aspects/threshold", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis train-aspects {input.deduplicated} {output.classifiers} --metrics {output.metrics} {params.base}"
        " --layers {params.classifier[layers]} --width {params.classifier[width]}"
        " --max-tokens {params.classifier[max_tokens]} --epochs {params.classifier[epochs]}"
        " --batch-size {params.classifier[batch_size]} --learning-rate {params.classifier[learning_rate]}"
        " --held-out {params.classifier[held_out]} --max-seeds {params.classifier[max_seeds]}"
        " --threshold {params.threshold} --threads {threads} --seed {params.seed} 2>&1 | tee {log}"


rule label_aspects:
    input:
        deduplicated="results/contents/deduplicated.parquet",
        classifiers="results/aspects/classifiers",
    output:
        labelled="results/aspects/labelled.parquet",
        ledger="results/attrition/aspects.parquet",
    log:
        "results/logs/label_aspects.log",
    benchmark:
        "results/logs/label_aspects.tsv"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        threshold=lookup("aspects/threshold", within=config),
        caps=[
            option(
                f"max-{split}-rows",
                config["aspects"][f"max_{split}_rows"],
            )
            for split in ("train", "benchmark")
        ],
        seed=lookup("seed", within=config),
    shell:
        "themis label-aspects {input.deduplicated} {input.classifiers} {output.labelled}"
        " --threshold {params.threshold} {params.caps} --threads {threads} --seed {params.seed}"
        " --ledger {output.ledger} 2>&1 | tee {log}"
