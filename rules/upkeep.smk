rule cost:
    output:
        multiext("results/tables/cost", ".csv", ".md"),
    log:
        "results/logs/cost.log",
    benchmark:
        "results/logs/cost.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        finished=last_finished,
    shell:
        "themis cost results/tables/cost 2>&1 | tee {log}"
