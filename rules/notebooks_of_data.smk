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
