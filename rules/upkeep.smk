def last_finished(wildcards):
    """When the newest benchmark file of another step was written: the cost is counted anew after it."""
    found = Path("results/logs").glob("*.tsv")
    return max(
        (path.stat().st_mtime_ns for path in found if path.name != "cost.tsv"),
        default=0,
    )


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
