rule deduplicate:
    input:
        retrieved="results/contents/retrieved.parquet",
    output:
        deduplicated="results/contents/deduplicated.parquet",
        ledger="results/attrition/deduplicate.parquet",
    log:
        "results/logs/deduplicate.log",
    benchmark:
        "results/logs/deduplicate.tsv"
    threads: 2
    resources:
        mem_mb=4000,
    params:
        engine=lookup("dedup/engine", within=config),
        shingle=lookup("dedup/shingle", within=config),
        permutations=lookup("dedup/permutations", within=config),
        threshold=lookup("dedup/threshold", within=config),
    shell:
        "themis deduplicate {input.retrieved} {output.deduplicated} --engine {params.engine}"
        " --shingle {params.shingle} --permutations {params.permutations}"
        " --threshold {params.threshold} --threads {threads} --ledger {output.ledger} 2>&1 | tee {log}"
