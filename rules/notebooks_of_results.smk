# Of 6 and 11, which list terms and artefacts, there is nothing to compute.
PAPER_TABLES = (1, 2, 3, 4, 5, 7, 8, 9, 10)


rule notebook_rq1_criteria:
    input:
        template="notebooks/rq1_criteria.ipynb",
        crb="results/crb.parquet",
        accuracy=MEASURED["accuracy"],
        calibration=MEASURED["calibration"],
        reliability=MEASURED["reliability"],
    output:
        *table("results/tables/accuracy_by_criterion"),
        *figure("results/figures/rq1_criteria"),
        *figure("results/figures/rq1_scaling"),
        *figure("results/figures/rq1_ties"),
        *figure("results/figures/rq1_families"),
        *figure("results/figures/rq1_calibration"),
        notebook="results/notebooks/rq1_criteria.ipynb",
        page="results/notebooks/rq1_criteria.html",
    log:
        "results/logs/notebook_rq1_criteria.log",
    benchmark:
        "results/logs/notebook_rq1_criteria.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        seed=lookup("seed", within=config),
    shell:
        "themis notebook {input.template} {output.notebook} {output.page}"
        " --parameter crb={input.crb} --parameter seed={params.seed}"
        " 2>&1 | tee {log}"


rule notebook_rq2_interference:
    input:
        template="notebooks/rq2_interference.ipynb",
        criteria_correlation=MEASURED["criteria_correlation"],
    output:
        *figure("results/figures/rq2_correlation"),
        *figure("results/figures/rq2_ablations"),
        notebook="results/notebooks/rq2_interference.ipynb",
        page="results/notebooks/rq2_interference.html",
    log:
        "results/logs/notebook_rq2_interference.log",
    benchmark:
        "results/logs/notebook_rq2_interference.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    shell:
        "themis notebook {input.template} {output.notebook} {output.page}"
        " 2>&1 | tee {log}"


rule notebook_rq3_transfer:
    input:
        template="notebooks/rq3_transfer.ipynb",
        accuracy=MEASURED["accuracy"],
        cells=MEASURED["cells"],
    output:
        *table("results/tables/accuracy_by_language"),
        *figure("results/figures/rq3_languages"),
        *figure("results/figures/rq3_map"),
        *figure("results/figures/rq3_cells"),
        *figure("results/figures/rq3_transfer"),
        notebook="results/notebooks/rq3_transfer.ipynb",
        page="results/notebooks/rq3_transfer.html",
    log:
        "results/logs/notebook_rq3_transfer.log",
    benchmark:
        "results/logs/notebook_rq3_transfer.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    shell:
        "themis notebook {input.template} {output.notebook} {output.page}"
        " 2>&1 | tee {log}"


rule notebook_rq4_robustness:
    input:
        template="notebooks/rq4_robustness.ipynb",
        robustness=branch(TESTED, then="results/robustness.parquet", otherwise=[]),
    output:
        *table("results/tables/robustness"),
        *figure("results/figures/rq4_changes"),
        *figure("results/figures/rq4_shifts"),
        *figure("results/figures/rq4_rerank"),
        *figure("results/figures/rq4_adversarial"),
        *figure("results/figures/rq4_external"),
        notebook="results/notebooks/rq4_robustness.ipynb",
        page="results/notebooks/rq4_robustness.html",
    log:
        "results/logs/notebook_rq4_robustness.log",
    benchmark:
        "results/logs/notebook_rq4_robustness.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    shell:
        "themis notebook {input.template} {output.notebook} {output.page}"
        " --parameter robustness={input.robustness} 2>&1 | tee {log}"


rule notebook_explore_scores:
    input:
        template="notebooks/explore_scores.ipynb",
        crb="results/crb.parquet",
        resolution=MEASURED["resolution"],
        ranks=MEASURED["ranks"],
        agreement=MEASURED["agreement"],
        calibration=MEASURED["calibration"],
        length_bias=MEASURED["length_bias"],
        benchmark=branch(ONLY_IMPORTED, then=[], otherwise=BENCHMARK),
    output:
        *figure("results/figures/rewards"),
        *figure("results/figures/margins"),
        *figure("results/figures/profiles"),
        *figure("results/figures/resolution"),
        *figure("results/figures/ranks"),
        *figure("results/figures/agreement"),
        *figure("results/figures/length_bias"),
        notebook="results/notebooks/explore_scores.ipynb",
        page="results/notebooks/explore_scores.html",
    log:
        "results/logs/notebook_explore_scores.log",
    benchmark:
        "results/logs/notebook_explore_scores.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    shell:
        "themis notebook {input.template} {output.notebook} {output.page}"
        " --parameter crb={input.crb} --parameter benchmark={input.benchmark}"
        " 2>&1 | tee {log}"


rule notebook_explore_reranking:
    input:
        template="notebooks/explore_reranking.ipynb",
        rerank="results/rerank.parquet",
    output:
        *table("results/tables/rerank"),
        *figure("results/figures/rerank_hits"),
        *figure("results/figures/rerank_best_of_n"),
        *figure("results/figures/rerank_correlation"),
        notebook="results/notebooks/explore_reranking.ipynb",
        page="results/notebooks/explore_reranking.html",
    log:
        "results/logs/notebook_explore_reranking.log",
    benchmark:
        "results/logs/notebook_explore_reranking.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        seed=lookup("seed", within=config),
        resamples=lookup("analysis/resamples", within=config),
    shell:
        "themis notebook {input.template} {output.notebook} {output.page}"
        " --parameter rerank={input.rerank} --parameter seed={params.seed}"
        " --parameter resamples={params.resamples} 2>&1 | tee {log}"


rule notebook_tables:
    input:
        template="notebooks/tables.ipynb",
        crb="results/crb.parquet",
        findings=branch(
            PUBLISHED_RUNS, then="results/scores/findings.parquet", otherwise=[]
        ),
    output:
        *(
            file
            for number in PAPER_TABLES
            for file in table(f"results/tables/table_{number}")
        ),
        *table("results/tables/discrepancies"),
        *table("results/tables/tie_corrections"),
        *table("results/tables/findings"),
        notebook="results/notebooks/tables.ipynb",
        page="results/notebooks/tables.html",
    log:
        "results/logs/notebook_tables.log",
    benchmark:
        "results/logs/notebook_tables.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    shell:
        "themis notebook {input.template} {output.notebook} {output.page}"
        " --parameter crb={input.crb} --parameter findings={input.findings}"
        " 2>&1 | tee {log}"
