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
        lengths="results/metrics/lengths.benchmark.parquet",
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
        balance=balance_of("benchmark"),
        tokenizer=TOKENIZER,
        seed=lookup("seed", within=config),
    shell:
        "themis build-benchmark {input.accepted} {input.instructions} {output.benchmark}"
        " --tokenizer results/language_models/{params.tokenizer} --max-tokens {params.max_tokens}"
        " --humaneval-problems {params.humaneval[benchmark_problems]} --timeout {params.humaneval[timeout_s]}"
        " --memory-mb {params.humaneval[memory_mb]} {params.folder} --folder-pairs {params.folder_pairs}"
        " {params.balance} --seed {params.seed} --ledger {output.ledger} --metrics {output.metrics}"
        " --lengths {output.lengths} 2>&1 | tee {log}"


rule assemble:
    input:
        collections=lambda wildcards: [
            collection_of(name) for name in config["collections"][wildcards.set]
        ],
        benchmark=BENCHMARK,
        commits="results/contents/accepted.parquet",
        tokenizer=language_model(TOKENIZER),
        decontaminate=config["preferences"]["decontaminate"],
        measuring=perplexity_files(),
    output:
        preferences="results/preferences/{set}.parquet",
        ledger="results/attrition/assemble_{set}.parquet",
        lengths="results/metrics/lengths.{set}.parquet",
    log:
        "results/logs/assemble_{set}.log",
    benchmark:
        "results/logs/assemble_{set}.tsv"
    wildcard_constraints:
        set="code|general",
    threads: 2
    resources:
        mem_mb=4000,
    params:
        collections=lambda wildcards, input: [
            f"--collection {path}" for path in input.collections
        ],
        decontaminate=[
            option("decontaminate", path)
            for path in config["preferences"]["decontaminate"]
        ],
        preferences=lookup("preferences", within=config),
        max_tokens=lookup("preferences/{set}_max_tokens", within=config),
        english="--english" if config["preferences"]["english"] else "--no-english",
        measure=perplexity_options(),
        balance=balance_of("preferences"),
        cap=lambda wildcards: option(
            "max-pairs", config["preferences"][f"max_{wildcards.set}_pairs"]
        ),
        tokenizer=TOKENIZER,
        seed=lookup("seed", within=config),
    shell:
        "themis assemble {output.preferences} --name {wildcards.set} {params.collections}"
        " --benchmark {input.benchmark} {params.decontaminate} --commits {input.commits}"
        " --tokenizer results/language_models/{params.tokenizer} --max-tokens {params.max_tokens}"
        " --min-syntax-depth {params.preferences[min_syntax_depth]} {params.english} {params.measure}"
        " --near-duplicate {params.preferences[near_duplicate]} --shingle {params.preferences[shingle]}"
        " --overlap-words {params.preferences[overlap_words]} {params.balance} {params.cap}"
        " --share-none {params.preferences[system_prompts][none]}"
        " --share-all {params.preferences[system_prompts][all]}"
        " --share-single {params.preferences[system_prompts][single]}"
        " --share-subset {params.preferences[system_prompts][subset]}"
        " --seed {params.seed} --threads {threads} --ledger {output.ledger} --lengths {output.lengths}"
        " 2>&1 | tee {log}"
