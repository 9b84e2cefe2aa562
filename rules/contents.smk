rule retrieve:
    input:
        # The public data set says nothing of where its repositories lie.
        repositories=branch(
            config["mine"]["warehouse"] == "bigquery",
            then=[],
            otherwise="results/warehouse/repositories.parquet",
        ),
        selected="results/commits/selected.parquet",
    output:
        retrieved=temp("results/contents/shards/{scatteritem}.parquet"),
        attempts="results/contents/attempts/{scatteritem}.parquet",
        ledger="results/attrition/shards/retrieve.{scatteritem}.parquet",
    log:
        "results/logs/retrieve.{scatteritem}.log",
    benchmark:
        "results/logs/retrieve.{scatteritem}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        # `--resources requests=N` bounds what all shards together ask of a host.
        requests=config["contents"]["network"]["per_host"],
    params:
        shard=shard_of,
        tables=branch(
            config["mine"]["warehouse"] == "bigquery",
            then="",
            otherwise="--tables results/warehouse",
        ),
        # A function, as the braces of the template are no wildcard.
        remote=lambda wildcards: option("remote", config["contents"]["remote"]),
        max_bytes=lookup("contents/max_bytes", within=config),
        network=[
            option(name.replace("_", "-"), value)
            for name, value in config["contents"]["network"].items()
            if name != "whole_clones"
        ],
        whole_clones=branch(
            config["contents"]["network"]["whole_clones"],
            then="--whole-clones",
            otherwise="--no-whole-clones",
        ),
    shell:
        "themis retrieve {input.selected} {output.retrieved} {params.tables} {params.remote} {params.shard}"
        " --max-bytes {params.max_bytes} {params.network} {params.whole_clones}"
        " --ledger {output.ledger} --attempts {output.attempts} 2>&1 | tee {log}"


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
