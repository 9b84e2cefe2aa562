rule retrieve:
    input:
        "results/warehouse/repositories.parquet",
        selected="results/commits/selected.parquet",
    output:
        retrieved=temp("results/contents/shards/{scatteritem}.parquet"),
        ledger="results/attrition/shards/retrieve.{scatteritem}.parquet",
    log:
        "results/logs/retrieve.{scatteritem}.log",
    benchmark:
        "results/logs/retrieve.{scatteritem}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        shard=shard_of,
        max_bytes=lookup("contents/max_bytes", within=config),
    shell:
        "themis retrieve {input.selected} {output.retrieved} --tables results/warehouse {params.shard}"
        " --max-bytes {params.max_bytes} --ledger {output.ledger} 2>&1 | tee {log}"


rule gather_contents:
    input:
        gather.contents("results/contents/shards/{scatteritem}.parquet"),
    output:
        retrieved="results/contents/retrieved.parquet",
    log:
        "results/logs/gather_contents.log",
    benchmark:
        "results/logs/gather_contents.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    shell:
        "themis gather {output.retrieved} retrieved {input} 2>&1 | tee {log}"
