PAPER_TABLES = [
    f"{number}{form}" for number in (1, 2, 3, 4, 5, 7, 8, 9, 10) for form in TABLE
]
# In the order of the chain: what one stage keeps, the next takes in.
LEDGERS = [
    *(["results/attrition/import.parquet"] if PUBLISHED_RUNS else []),
    *(
        []
        if ONLY_IMPORTED
        else [
            "results/attrition/mine.parquet",
            "results/attrition/select.parquet",
            *gather.contents("results/attrition/shards/retrieve.{scatteritem}.parquet"),
            "results/attrition/deduplicate.parquet",
            "results/attrition/aspects.parquet",
            "results/attrition/review.parquet",
            "results/attrition/benchmark.parquet",
            *expand(
                "results/attrition/collect.{collection}.parquet", collection=COLLECTED
            ),
            "results/attrition/assemble_code.parquet",
            "results/attrition/assemble_general.parquet",
            *(
                f"results/attrition/train.{model}.{stage}.parquet"
                for model, stage in RUNS
            ),
        ]
    ),
    *gather.scores(
        "results/attrition/shards/score.{benchmark}.{model}.{scatteritem}.parquet",
        benchmark=config["benchmark"]["name"],
        model=REWARD_MODELS,
    ),
    *(
        ["results/attrition/rerank_set.parquet"]
        if RERANKED and not config["rerank"]["candidates"]
        else []
    ),
    *expand("results/attrition/rerank.{model}.parquet", model=RERANKED),
    *(["results/attrition/perturb.parquet"] if TESTED else []),
    *PUBLIC_LEDGERS,
]
NOTEBOOKS = [
    "rq1_criteria",
    "rq2_interference",
    "rq3_transfer",
    "rq4_robustness",
    "explore_scores",
    "tables",
    *(["explore_reranking"] if RERANKED else []),
    *(
        []
        if ONLY_IMPORTED
        else [
            "explore_training",
            "explore_commits",
            "explore_contents",
            "explore_aspects",
            "explore_preferences",
            "data",
        ]
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


rule measure:
    input:
        crb="results/crb.parquet",
        benchmark=branch(ONLY_IMPORTED, then=[], otherwise=BENCHMARK),
    output:
        list(MEASURED.values()),
    log:
        "results/logs/measure.log",
    benchmark:
        "results/logs/measure.tsv"
    threads: 2
    resources:
        mem_mb=2000,
    params:
        benchmark=lambda wildcards, input: option("benchmark", input.benchmark or None),
        trained=[
            option("trained-subset", pattern)
            for pattern in config["analysis"]["trained_subsets"]
        ],
        resamples=lookup("analysis/resamples", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis measure {input.crb} results/measures {params.benchmark} {params.trained}"
        " --resamples {params.resamples} --seed {params.seed} 2>&1 | tee {log}"


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
        multiext("results/tables/table_", *PAPER_TABLES),
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


rule notebook_explore_training:
    input:
        template="notebooks/explore_training.ipynb",
        training=[f"results/metrics/{model}.{stage}.parquet" for model, stage in RUNS],
    output:
        *figure("results/figures/training"),
        *figure("results/figures/training_terms"),
        *figure("results/figures/training_comparison"),
        notebook="results/notebooks/explore_training.ipynb",
        page="results/notebooks/explore_training.html",
    log:
        "results/logs/notebook_explore_training.log",
    benchmark:
        "results/logs/notebook_explore_training.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        training=lambda wildcards, input: [
            f"--parameter training={path}" for path in input.training
        ],
    shell:
        "themis notebook {input.template} {output.notebook} {output.page}"
        " {params.training}"
        " 2>&1 | tee {log}"


# A lesson, not a result: made when its page is asked for.
rule notebook_tutorial_distributed_training:
    input:
        template="notebooks/tutorial_distributed_training.ipynb",
    output:
        *figure("results/figures/training_processes"),
        notebook="results/notebooks/tutorial_distributed_training.ipynb",
        page="results/notebooks/tutorial_distributed_training.html",
    log:
        "results/logs/notebook_tutorial_distributed_training.log",
    benchmark:
        "results/logs/notebook_tutorial_distributed_training.tsv"
    threads: 2
    resources:
        mem_mb=4000,
    params:
        seed=lookup("seed", within=config),
    shell:
        "themis notebook {input.template} {output.notebook} {output.page}"
        " --parameter seed={params.seed} 2>&1 | tee {log}"


rule notebook_explore_commits:
    input:
        template="notebooks/explore_commits.ipynb",
        attrition="results/attrition.parquet",
        mined="results/commits/mined.parquet",
        selected="results/commits/selected.parquet",
    output:
        *table("results/tables/attrition"),
        *figure("results/figures/attrition"),
        *figure("results/figures/commits_kinds"),
        *figure("results/figures/commits_times"),
        *figure("results/figures/commits_messages"),
        *figure("results/figures/commits_repositories"),
        notebook="results/notebooks/explore_commits.ipynb",
        page="results/notebooks/explore_commits.html",
    log:
        "results/logs/notebook_explore_commits.log",
    benchmark:
        "results/logs/notebook_explore_commits.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        windows=[
            f"--parameter {split}_{end}={config['select'][split][end] or ''}"
            for split in ("train", "benchmark")
            for end in ("since", "until")
        ],
    shell:
        "themis notebook {input.template} {output.notebook} {output.page}"
        " --parameter attrition={input.attrition} --parameter mined={input.mined}"
        " --parameter selected={input.selected} {params.windows} 2>&1 | tee {log}"


rule notebook_explore_contents:
    input:
        template="notebooks/explore_contents.ipynb",
        attrition="results/attrition.parquet",
        deduplicated="results/contents/deduplicated.parquet",
    output:
        *figure("results/figures/contents_sizes"),
        *figure("results/figures/contents_outcomes"),
        *figure("results/figures/contents_clusters"),
        notebook="results/notebooks/explore_contents.ipynb",
        page="results/notebooks/explore_contents.html",
    log:
        "results/logs/notebook_explore_contents.log",
    benchmark:
        "results/logs/notebook_explore_contents.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        seed=lookup("seed", within=config),
    shell:
        "themis notebook {input.template} {output.notebook} {output.page}"
        " --parameter attrition={input.attrition} --parameter deduplicated={input.deduplicated}"
        " --parameter seed={params.seed} 2>&1 | tee {log}"


rule notebook_explore_aspects:
    input:
        template="notebooks/explore_aspects.ipynb",
        labelled="results/aspects/labelled.parquet",
        metrics="results/aspects/metrics.parquet",
        curves="results/aspects/curves.parquet",
        terms="results/aspects/term_quality.parquet",
    output:
        *figure("results/figures/aspects_yields"),
        *figure("results/figures/aspects_reached"),
        *figure("results/figures/aspects_terms"),
        *figure("results/figures/aspects_curves"),
        *figure("results/figures/aspects_probabilities"),
        notebook="results/notebooks/explore_aspects.ipynb",
        page="results/notebooks/explore_aspects.html",
    log:
        "results/logs/notebook_explore_aspects.log",
    benchmark:
        "results/logs/notebook_explore_aspects.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        seed=lookup("seed", within=config),
    shell:
        "themis notebook {input.template} {output.notebook} {output.page}"
        " --parameter labelled={input.labelled} --parameter metrics={input.metrics}"
        " --parameter curves={input.curves} --parameter terms={input.terms}"
        " --parameter seed={params.seed} 2>&1 | tee {log}"


rule notebook_explore_preferences:
    input:
        template="notebooks/explore_preferences.ipynb",
        attrition="results/attrition.parquet",
        code="results/preferences/code.parquet",
        general="results/preferences/general.parquet",
        benchmark=BENCHMARK,
        reviews=expand("results/reviews/{lm}.parquet", lm=config["review"]["reviewers"]),
        metrics=["results/metrics/review.parquet", "results/metrics/judge.parquet"],
        lengths=expand(
            "results/metrics/lengths.{set}.parquet",
            set=["code", "general", "benchmark"],
        ),
    output:
        *figure("results/figures/preferences_yields"),
        *figure("results/figures/preferences_agreement"),
        *figure("results/figures/preferences_ratings"),
        *figure("results/figures/preferences_judges"),
        *figure("results/figures/preferences_lengths"),
        *figure("results/figures/preferences_longer"),
        notebook="results/notebooks/explore_preferences.ipynb",
        page="results/notebooks/explore_preferences.html",
    log:
        "results/logs/notebook_explore_preferences.log",
    benchmark:
        "results/logs/notebook_explore_preferences.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        lists=lambda wildcards, input: [
            f"--parameter {name}={path}"
            for name in ("reviews", "metrics", "lengths")
            for path in input[name]
        ],
        seed=lookup("seed", within=config),
    shell:
        "themis notebook {input.template} {output.notebook} {output.page}"
        " --parameter attrition={input.attrition} --parameter code={input.code}"
        " --parameter general={input.general} --parameter benchmark={input.benchmark}"
        " {params.lists} --parameter seed={params.seed} 2>&1 | tee {log}"


rule notebook_data:
    input:
        template="notebooks/data.ipynb",
        attrition="results/attrition.parquet",
        code="results/preferences/code.parquet",
        general="results/preferences/general.parquet",
        benchmark=BENCHMARK,
        metrics="results/aspects/metrics.parquet",
    output:
        *figure("results/figures/composition"),
        *figure("results/figures/lengths"),
        *figure("results/figures/classifiers"),
        notebook="results/notebooks/data.ipynb",
        page="results/notebooks/data.html",
    log:
        "results/logs/notebook_data.log",
    benchmark:
        "results/logs/notebook_data.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    shell:
        "themis notebook {input.template} {output.notebook} {output.page}"
        " --parameter attrition={input.attrition} --parameter code={input.code}"
        " --parameter general={input.general} --parameter benchmark={input.benchmark}"
        " --parameter aspect_metrics={input.metrics} 2>&1 | tee {log}"


rule report:
    input:
        crb="results/crb.parquet",
        attrition="results/attrition.parquet",
        benchmark=branch(ONLY_IMPORTED, then=[], otherwise=BENCHMARK),
        notebooks=expand("results/notebooks/{notebook}.html", notebook=NOTEBOOKS),
    output:
        page="results/report.html",
    log:
        "results/logs/report.log",
    benchmark:
        "results/logs/report.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        benchmark=lambda wildcards, input: option("benchmark", input.benchmark or None),
        notebooks=lambda wildcards, input: [
            f"--notebook {path}" for path in input.notebooks
        ],
        command=branch(
            ONLY_IMPORTED,
            then="snakemake --profile profiles/published paper",
            otherwise="make crb",
        ),
        seed=lookup("seed", within=config),
    shell:
        "themis report {output.page} --crb {input.crb} --attrition {input.attrition} {params.benchmark}"
        " --figures results/figures {params.notebooks} --command {params.command:q} --seed {params.seed}"
        " 2>&1 | tee {log}"
