from themis.registry.collections import public_collections


rule collect_commits:
    input:
        accepted="results/contents/accepted.parquet",
        instructions=INSTRUCTIONS,
        decisions="results/judgements/decisions.parquet",
    output:
        collection="results/collections/commits.parquet",
        ledger="results/attrition/collect.commits.parquet",
    log:
        "results/logs/collect.commits.log",
    benchmark:
        "results/logs/collect.commits.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        require=lookup("judge/require", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis collect-commits {input.accepted} {input.instructions} {input.decisions} {output.collection}"
        " --require {params.require} --seed {params.seed} --ledger {output.ledger} 2>&1 | tee {log}"


rule collect_humaneval:
    output:
        collection="results/collections/humaneval.parquet",
        ledger="results/attrition/collect.humaneval.parquet",
    log:
        "results/logs/collect.humaneval.log",
    benchmark:
        "results/logs/collect.humaneval.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        humaneval=lookup("benchmark/humaneval", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis collect-humaneval {output.collection} --problems {params.humaneval[general_problems]}"
        " --benchmark-problems {params.humaneval[benchmark_problems]} --seed {params.seed}"
        " --ledger {output.ledger} 2>&1 | tee {log}"


rule collect_instructions:
    input:
        accepted="results/contents/accepted.parquet",
        instructions=INSTRUCTIONS,
    output:
        collection="results/collections/instructions.parquet",
        ledger="results/attrition/collect.instructions.parquet",
    log:
        "results/logs/collect.instructions.log",
    benchmark:
        "results/logs/collect.instructions.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        seed=lookup("seed", within=config),
    shell:
        "themis collect-instructions {input.accepted} {input.instructions} {output.collection}"
        " --seed {params.seed} --ledger {output.ledger} 2>&1 | tee {log}"


rule collect_faults:
    input:
        programs=programs_of,
        faults="results/bugs/{faults}.parquet",
        instructions=instructions_of,
    output:
        collection="results/collections/{faults}.parquet",
        ledger="results/attrition/collect.{faults}.parquet",
    log:
        "results/logs/collect.{faults}.log",
    benchmark:
        "results/logs/collect.{faults}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        instructions=lambda wildcards, input: option(
            "instructions", input.instructions or None
        ),
        seed=lookup("seed", within=config),
    shell:
        "themis collect-faults {input.programs} {input.faults} {output.collection} --name {wildcards.faults}"
        " {params.instructions} --seed {params.seed} --ledger {output.ledger} 2>&1 | tee {log}"


rule collect:
    output:
        collection="results/collections/{public}.parquet",
        ledger="results/attrition/collect.{public}.parquet",
        metrics="results/metrics/collect.{public}.parquet",
    log:
        "results/logs/collect.{public}.log",
    benchmark:
        "results/logs/collect.{public}.tsv"
    wildcard_constraints:
        public="|".join(public_collections()),
    threads: 1
    resources:
        mem_mb=2000,
    params:
        place=place_of,
        missing=lookup("collections/missing", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis collect {wildcards.public} {output.collection} {params.place} --missing {params.missing}"
        " --seed {params.seed} --ledger {output.ledger} --metrics {output.metrics} 2>&1 | tee {log}"
