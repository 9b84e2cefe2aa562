rule export_preferences:
    input:
        tables=[
            "results/preferences/code.parquet",
            "results/preferences/general.parquet",
        ],
        ledgers=[
            "results/attrition/assemble_code.parquet",
            "results/attrition/assemble_general.parquet",
        ],
        lengths=[
            "results/metrics/lengths.code.parquet",
            "results/metrics/lengths.general.parquet",
        ],
        commits="results/contents/accepted.parquet",
    output:
        folder=directory("results/datasets/preferences"),
    log:
        "results/logs/export_preferences.log",
    benchmark:
        "results/logs/export_preferences.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        ledgers=lambda wildcards, input: [f"--ledger {path}" for path in input.ledgers],
        lengths=lambda wildcards, input: [f"--lengths {path}" for path in input.lengths],
    shell:
        "themis export {input.tables} {output.folder} {params.ledgers} {params.lengths}"
        " --commits {input.commits} 2>&1 | tee {log}"


rule export_benchmark:
    input:
        table=BENCHMARK,
        ledger="results/attrition/benchmark.parquet",
        lengths="results/metrics/lengths.benchmark.parquet",
        commits="results/contents/accepted.parquet",
    output:
        folder=directory(f"results/datasets/{config['benchmark']['name']}"),
    log:
        "results/logs/export_benchmark.log",
    benchmark:
        "results/logs/export_benchmark.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    shell:
        "themis export {input.table} {output.folder} --ledger {input.ledger} --lengths {input.lengths}"
        " --commits {input.commits} 2>&1 | tee {log}"
