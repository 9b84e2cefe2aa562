from themis.score.perturb import criteria_orders

# Models whose pairs are perturbed; a study that only imports runs has no texts to change.
TESTED = [
    name
    for name in (config["robustness"]["models"] or REWARD_MODELS)
    if config["robustness"]["pairs"]
]
ORDERS = (
    criteria_orders(config["robustness"]["criteria_orders"], config["seed"])
    if config["robustness"]["criteria_orders"]
    else []
)
# A model that is shown no criteria has no order of them.
ORDERED = [name for name in TESTED if REWARD_MODELS[name]["prompt_mode"] != "none"]


rule perturb:
    input:
        benchmark=BENCHMARK,
    output:
        pairs="results/benchmark/robustness.parquet",
        ledger="results/attrition/perturb.parquet",
    log:
        "results/logs/perturb.log",
    benchmark:
        "results/logs/perturb.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        perturbations=[
            option("perturbation", name)
            for name in config["robustness"]["perturbations"]
        ],
        pairs=lookup("robustness/pairs", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis perturb {input.benchmark} {output.pairs} {params.perturbations} --pairs {params.pairs}"
        " --seed {params.seed} --ledger {output.ledger} 2>&1 | tee {log}"


# The same pairs as they are, for what is changed about the system prompt.
rule plain_pairs:
    input:
        benchmark=BENCHMARK,
    output:
        pairs="results/benchmark/robustness_plain.parquet",
        ledger="results/attrition/shards/plain_pairs.parquet",
    log:
        "results/logs/plain_pairs.log",
    benchmark:
        "results/logs/plain_pairs.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        pairs=lookup("robustness/pairs", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis perturb {input.benchmark} {output.pairs} --plain --pairs {params.pairs} --seed {params.seed}"
        " --ledger {output.ledger} 2>&1 | tee {log}"


rule score_order:
    input:
        benchmark="results/benchmark/robustness_plain.parquet",
        weights=weights_of,
    output:
        scores="results/scores/criteria_order/{order}/{model}.parquet",
        manifest="results/scores/criteria_order/{order}/{model}.json",
        ledger="results/attrition/shards/score_order.{order}.{model}.parquet",
    log:
        "results/logs/score_order.{order}.{model}.log",
    benchmark:
        "results/logs/score_order.{order}.{model}.tsv"
    wildcard_constraints:
        order="[0-9]+",
    threads: 1
    resources:
        mem_mb=scoring_mb,
        gpu=scoring_gpus,
        nodes=1,
        requests=scoring_requests,
    params:
        themis=scored_by,
        options=lambda wildcards, input: scoring_options(wildcards, input.weights),
        mode=lambda wildcards: ORDERS[int(wildcards.order)],
        seed=lookup("seed", within=config),
    shell:
        "{params.themis} score {input.benchmark} {output.scores} {params.options}"
        " --prompt-mode {params.mode} --threads {threads} --seed {params.seed}"
        " --cache results/cache/score_order.{wildcards.order}.{wildcards.model}.jsonl"
        " --ledger {output.ledger} 2>&1 | tee {log}"


rule robustness:
    input:
        pairs="results/benchmark/robustness.parquet",
        ledger="results/attrition/perturb.parquet",
        scores=expand("results/scores/robustness/{model}.parquet", model=TESTED),
        orders=expand(
            "results/scores/criteria_order/{order}/{model}.parquet",
            order=range(len(ORDERS)),
            model=ORDERED,
        ),
    output:
        robustness="results/robustness.parquet",
    log:
        "results/logs/robustness.log",
    benchmark:
        "results/logs/robustness.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        orders=lambda wildcards, input: [f"--order {path}" for path in input.orders],
        resamples=lookup("analysis/resamples", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis robustness {output.robustness} {input.scores} --benchmark {input.pairs} --ledger {input.ledger}"
        " {params.orders} --resamples {params.resamples} --seed {params.seed} 2>&1 | tee {log}"
