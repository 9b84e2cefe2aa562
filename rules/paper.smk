# Every figure is written as vector, print and picture, with its data beside it.
FIGURE = (".svg", ".pdf", ".png", ".csv")

# In the order of the chain: what one stage keeps, the next takes in.
LEDGERS = [
    "results/attrition/mine.parquet",
    "results/attrition/select.parquet",
    *gather.contents("results/attrition/shards/retrieve.{scatteritem}.parquet"),
    "results/attrition/deduplicate.parquet",
    "results/attrition/aspects.parquet",
    "results/attrition/review.parquet",
    "results/attrition/benchmark.parquet",
    "results/attrition/assemble_code.parquet",
    "results/attrition/assemble_general.parquet",
    *expand(
        "results/attrition/train.{model}.{stage}.parquet",
        model=config["train"]["name"],
        stage=STAGES,
    ),
    *expand(
        "results/attrition/score.{benchmark}.{model}.parquet",
        benchmark=config["benchmark"]["name"],
        model=REWARD_MODELS,
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


rule notebook_crb:
    input:
        template="notebooks/crb.ipynb",
        crb="results/crb.parquet",
        benchmark=BENCHMARK,
        training=expand(
            "results/metrics/{model}.{stage}.parquet",
            model=config["train"]["name"],
            stage=STAGES,
        ),
    output:
        multiext("results/tables/accuracy_by_criterion", ".csv", ".md", ".tex"),
        multiext("results/tables/accuracy_by_language", ".csv", ".md", ".tex"),
        multiext("results/figures/accuracy_by_criterion", *FIGURE),
        multiext("results/figures/accuracy_by_language", *FIGURE),
        multiext("results/figures/margins", *FIGURE),
        multiext("results/figures/training", *FIGURE),
        notebook="results/notebooks/crb.ipynb",
        page="results/notebooks/crb.html",
    log:
        "results/logs/notebook_crb.log",
    benchmark:
        "results/logs/notebook_crb.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        training=lambda wildcards, input: [
            f"--parameter training={path}" for path in input.training
        ],
        seed=lookup("seed", within=config),
    shell:
        "themis notebook {input.template} {output.notebook} {output.page} --parameter crb={input.crb}"
        " --parameter benchmark={input.benchmark} {params.training} --parameter seed={params.seed}"
        " 2>&1 | tee {log}"


rule notebook_data:
    input:
        template="notebooks/data.ipynb",
        attrition="results/attrition.parquet",
        code="results/preferences/code.parquet",
        general="results/preferences/general.parquet",
        benchmark=BENCHMARK,
        metrics="results/aspects/metrics.parquet",
    output:
        multiext("results/tables/attrition", ".csv", ".md", ".tex"),
        multiext("results/figures/attrition", *FIGURE),
        multiext("results/figures/composition", *FIGURE),
        multiext("results/figures/lengths", *FIGURE),
        multiext("results/figures/classifiers", *FIGURE),
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
        benchmark=BENCHMARK,
        notebooks=expand("results/notebooks/{notebook}.html", notebook=["crb", "data"]),
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
        notebooks=lambda wildcards, input: [
            f"--notebook {path}" for path in input.notebooks
        ],
        seed=lookup("seed", within=config),
    shell:
        "themis report {output.page} --crb {input.crb} --attrition {input.attrition}"
        " --benchmark {input.benchmark} --figures results/figures {params.notebooks} --seed {params.seed}"
        " 2>&1 | tee {log}"
