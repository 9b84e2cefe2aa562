from types import SimpleNamespace

# The rules of language models ask by wildcard; here the study names the model, if it wants samples.
SOLVER = SimpleNamespace(lm=config["rerank"]["writer"])


rule rerank_set:
    input:
        model=lambda wildcards: model_of(SOLVER) if SOLVER.lm else [],
    output:
        candidates="results/rerank/set.parquet",
        ledger="results/attrition/rerank_set.parquet",
    log:
        "results/logs/rerank_set.log",
    benchmark:
        "results/logs/rerank_set.tsv"
    threads: 1
    resources:
        mem_mb=4000,
        gpu=lambda wildcards: gpus_of(SOLVER) if SOLVER.lm else 0,
        nodes=1,
        requests=lambda wildcards: requests_of(SOLVER) if SOLVER.lm else 0,
    params:
        themis=lambda wildcards: command_of(SOLVER) if SOLVER.lm else "themis",
        rerank=lookup("rerank", within=config),
        humaneval=lookup("benchmark/humaneval", within=config),
        model=lambda wildcards: (
            [
                *named_model_options(SOLVER),
                option("samples", config["rerank"]["samples"]),
                *sampling_of("rerank"),
            ]
            if SOLVER.lm
            else []
        ),
        seed=lookup("seed", within=config),
    shell:
        "{params.themis} rerank-set {output.candidates} --problems {params.rerank[problems]}"
        " --per-problem {params.rerank[per_problem]} {params.model}"
        " --benchmark-problems {params.humaneval[benchmark_problems]}"
        " --general-problems {params.humaneval[general_problems]} --timeout {params.rerank[timeout_s]}"
        " --memory-mb {params.humaneval[memory_mb]} --seed {params.seed} --threads {threads}"
        " --cache results/cache/rerank_samples.jsonl --tallies results/cache/rerank_tallies.jsonl"
        " --ledger {output.ledger} 2>&1 | tee {log}"


rule rerank_model:
    input:
        candidates=config["rerank"]["candidates"] or "results/rerank/set.parquet",
        weights=weights_of,
    output:
        scores="results/rerank/scores/{model}.parquet",
        manifest="results/rerank/scores/{model}.json",
        ledger="results/attrition/rerank.{model}.parquet",
    log:
        "results/logs/rerank_model.{model}.log",
    benchmark:
        "results/logs/rerank_model.{model}.tsv"
    threads: 1
    resources:
        mem_mb=scoring_mb,
        gpu=scoring_gpus,
        nodes=1,
        requests=scoring_requests,
    params:
        themis=scored_by,
        prompt_mode=lambda wildcards: REWARD_MODELS[wildcards.model]["prompt_mode"],
        options=lambda wildcards, input: scoring_options(wildcards, input.weights),
        seed=lookup("seed", within=config),
    shell:
        "{params.themis} rerank {input.candidates} {output.scores} {params.options}"
        " --prompt-mode {params.prompt_mode} --threads {threads} --seed {params.seed}"
        " --cache results/cache/rerank.{wildcards.model}.jsonl --ledger {output.ledger} 2>&1 | tee {log}"


rule rerank:
    input:
        expand("results/rerank/scores/{model}.parquet", model=RERANKED),
    output:
        rerank="results/rerank.parquet",
    log:
        "results/logs/rerank.log",
    benchmark:
        "results/logs/rerank.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    shell:
        "themis gather {output.rerank} rerank {input} 2>&1 | tee {log}"
