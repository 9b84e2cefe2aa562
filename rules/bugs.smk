from types import SimpleNamespace

from themis.study.collections import BUGGED

# The rules of language models ask by wildcard; here the study names the model.
BUG_WRITER = SimpleNamespace(lm=config["bugs"]["writer"])


rule mutate:
    input:
        programs="results/contents/accepted.parquet",
    output:
        bugs=temp("results/bugs/shards/mutants.{scatteritem}.parquet"),
    log:
        "results/logs/mutate.{scatteritem}.log",
    benchmark:
        "results/logs/mutate.{scatteritem}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        shard=shard_of,
        seed=lookup("seed", within=config),
    shell:
        "themis mutate {input.programs} {output.bugs} {params.shard} --seed {params.seed} 2>&1 | tee {log}"


rule introduce_bugs:
    input:
        programs=lambda wildcards: programs_of(wildcards),
        instructions=lambda wildcards: instructions_of(wildcards),
        model=lambda wildcards: model_of(BUG_WRITER),
    output:
        bugs=temp("results/bugs/shards/{faults}.{scatteritem}.parquet"),
    log:
        "results/logs/introduce_bugs.{faults}.{scatteritem}.log",
    benchmark:
        "results/logs/introduce_bugs.{faults}.{scatteritem}.tsv"
    wildcard_constraints:
        faults=f"bugs|{BUGGED}[a-z0-9_]+",
    threads: 1
    resources:
        mem_mb=4000,
        gpu=lambda wildcards: gpus_of(BUG_WRITER),
        nodes=1,
        requests=lambda wildcards: requests_of(BUG_WRITER),
    params:
        themis=lambda wildcards: command_of(BUG_WRITER),
        instructions=lambda wildcards, input: option(
            "instructions", input.instructions or None
        ),
        shard=shard_of,
        sampling=sampling_of("bugs"),
        model=lambda wildcards: named_model_options(BUG_WRITER),
        seed=lookup("seed", within=config),
    shell:
        "{params.themis} introduce-bugs {input.programs} {output.bugs} {params.model} {params.instructions}"
        " {params.shard} {params.sampling} --seed {params.seed} --threads {threads} --batch-tokens 8192"
        " --cache results/cache/{wildcards.faults}.{wildcards.scatteritem}.jsonl 2>&1 | tee {log}"


rule gather_bugs:
    input:
        gather.bugs("results/bugs/shards/{{faults}}.{scatteritem}.parquet"),
    output:
        bugs="results/bugs/{faults}.parquet",
    log:
        "results/logs/gather_bugs.{faults}.log",
    benchmark:
        "results/logs/gather_bugs.{faults}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    shell:
        "themis gather {output.bugs} bugs {input} 2>&1 | tee {log}"
