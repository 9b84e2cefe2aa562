INSTRUCTIONS = f"results/instructions/{config['instruct']['writer']}.parquet"
TOKENIZER = config["preferences"]["tokenizer"]


rule build_benchmark:
    input:
        accepted="results/contents/accepted.parquet",
        instructions=INSTRUCTIONS,
        tokenizer=language_model(TOKENIZER),
    output:
        benchmark=BENCHMARK,
        ledger="results/attrition/benchmark.parquet",
        metrics="results/metrics/benchmark.parquet",
    log:
        "results/logs/build_benchmark.log",
    benchmark:
        "results/logs/build_benchmark.tsv"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        max_tokens=lookup("benchmark/max_tokens", within=config),
        humaneval=lookup("benchmark/humaneval", within=config),
        folder=option("folder", config["benchmark"]["folder"]),
        folder_pairs=lookup("benchmark/folder_pairs", within=config),
        tokenizer=TOKENIZER,
        seed=lookup("seed", within=config),
    shell:
        "themis build-benchmark {input.accepted} {input.instructions} {output.benchmark}"
        " --tokenizer results/language_models/{params.tokenizer} --max-tokens {params.max_tokens}"
        " --humaneval-problems {params.humaneval[benchmark_problems]} --timeout {params.humaneval[timeout_s]}"
        " --memory-mb {params.humaneval[memory_mb]} {params.folder} --folder-pairs {params.folder_pairs}"
        " --seed {params.seed} --ledger {output.ledger} --metrics {output.metrics} 2>&1 | tee {log}"


rule assemble_code:
    input:
        accepted="results/contents/accepted.parquet",
        instructions=INSTRUCTIONS,
        judgements=expand(
            "results/judgements/{lm}.parquet", lm=config["judge"]["judges"]
        ),
        benchmark=BENCHMARK,
        tokenizer=language_model(TOKENIZER),
    output:
        preferences="results/preferences/code.parquet",
        ledger="results/attrition/assemble_code.parquet",
    log:
        "results/logs/assemble_code.log",
    benchmark:
        "results/logs/assemble_code.tsv"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        preferences=lookup("preferences", within=config),
        judge=lookup("judge", within=config),
        judgements=lambda wildcards, input: [
            f"--judgements {path}" for path in input.judgements
        ],
        cap=option("max-pairs", config["preferences"]["max_code_pairs"]),
        seed=lookup("seed", within=config),
    shell:
        "themis assemble-code {input.accepted} {input.instructions} {output.preferences} {params.judgements}"
        " --benchmark {input.benchmark} --tokenizer results/language_models/{params.preferences[tokenizer]}"
        " --max-tokens {params.preferences[code_max_tokens]}"
        " --min-syntax-depth {params.preferences[min_syntax_depth]}"
        " --overlap-words {params.preferences[overlap_words]}"
        " --near-duplicate {params.preferences[near_duplicate]}"
        " --margin {params.judge[margin]} --require {params.judge[require]}"
        " --share-none {params.preferences[system_prompts][none]}"
        " --share-all {params.preferences[system_prompts][all]}"
        " --share-single {params.preferences[system_prompts][single]}"
        " {params.cap} --seed {params.seed} --ledger {output.ledger} 2>&1 | tee {log}"


rule assemble_general:
    input:
        accepted="results/contents/accepted.parquet",
        instructions=INSTRUCTIONS,
        benchmark=BENCHMARK,
        tokenizer=language_model(TOKENIZER),
    output:
        preferences="results/preferences/general.parquet",
        ledger="results/attrition/assemble_general.parquet",
    log:
        "results/logs/assemble_general.log",
    benchmark:
        "results/logs/assemble_general.tsv"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        preferences=lookup("preferences", within=config),
        humaneval=lookup("benchmark/humaneval", within=config),
        cap=option("max-pairs", config["preferences"]["max_general_pairs"]),
        seed=lookup("seed", within=config),
    shell:
        "themis assemble-general {input.accepted} {input.instructions} {output.preferences}"
        " --benchmark {input.benchmark} --tokenizer results/language_models/{params.preferences[tokenizer]}"
        " --max-tokens {params.preferences[general_max_tokens]}"
        " --humaneval-problems {params.humaneval[general_problems]}"
        " --benchmark-problems {params.humaneval[benchmark_problems]}"
        " --min-syntax-depth {params.preferences[min_syntax_depth]}"
        " --overlap-words {params.preferences[overlap_words]}"
        " --near-duplicate {params.preferences[near_duplicate]}"
        " --share-none {params.preferences[system_prompts][none]}"
        " --share-all {params.preferences[system_prompts][all]}"
        " --share-single {params.preferences[system_prompts][single]}"
        " {params.cap} --seed {params.seed} --ledger {output.ledger} 2>&1 | tee {log}"
