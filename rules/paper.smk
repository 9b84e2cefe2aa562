# In the order of the chain: what one stage keeps, the next takes in.
LEDGERS = [
    "results/attrition/mine.parquet",
    "results/attrition/select.parquet",
    *gather.contents("results/attrition/shards/retrieve.{scatteritem}.parquet"),
    "results/attrition/deduplicate.parquet",
    "results/attrition/aspects.parquet",
    "results/attrition/review.parquet",
    "results/attrition/benchmark.parquet",
    "results/attrition/assemble_code.parquet",
    "results/attrition/assemble_general.parquet",
    *expand(
        "results/attrition/{model}.{stage}.parquet",
        model=config["train"]["name"],
        stage=STAGES,
    ),
    *expand(
        "results/attrition/score.{benchmark}.{model}.parquet",
        benchmark=config["benchmark"]["name"],
        model=REWARD_MODELS,
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
