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
        dedup=lookup("dedup", within=config),
        columns=[f"--column {name}" for name in config["dedup"]["columns"]],
        verify="--verify" if config["dedup"]["verify"] else "--no-verify",
    shell:
        "themis deduplicate {input.retrieved} {output.deduplicated} --engine {params.dedup[engine]}"
        " {params.columns} --scope {params.dedup[scope]} --shingle {params.dedup[shingle]}"
        " --permutations {params.dedup[permutations]} --threshold {params.dedup[threshold]} {params.verify}"
        " --short {params.dedup[short]} --compatibility {params.dedup[compatibility]}"
        " --threads {threads} --ledger {output.ledger} 2>&1 | tee {log}"
