rule demo_corpus:
    output:
        repositories=directory("results/demo/repositories"),
        manifest="results/demo/demo.parquet",
    log:
        "results/logs/demo_corpus.log",
    benchmark:
        "results/logs/demo_corpus.tsv"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        demo=lookup("demo", within=config),
        seed=lookup("seed", within=config),
    shell:
        "themis demo-corpus {output.repositories} --manifest {output.manifest} --seed {params.seed}"
        " --repositories-per-language {params.demo[repositories_per_language]}"
        " --families {params.demo[families]} --training-pairs {params.demo[training_pairs]}"
        " --benchmark-pairs {params.demo[benchmark_pairs]} --commits {params.demo[commits]}"
        " 2>&1 | tee {log}"


rule tables:
    input:
        demo=branch(
            config["repositories"], then=[], otherwise="results/demo/repositories"
        ),
    output:
        multiext(
            "results/warehouse/",
            "repositories.parquet",
            "commits.parquet",
            "licenses.parquet",
            "languages.parquet",
            "merges.parquet",
        ),
    log:
        "results/logs/tables.log",
    benchmark:
        "results/logs/tables.tsv"
    threads: 2
    resources:
        mem_mb=2000,
    params:
        roots=branch(
            config["repositories"],
            then="",
            otherwise="--root results/demo/repositories",
        ),
        repositories=[
            word
            for repository in config["repositories"]
            for word in ("--repository", repository)
        ],
    shell:
        "themis tables results/warehouse {params.roots} {params.repositories:q}"
        " --clones results/clones --threads {threads} 2>&1 | tee {log}"


rule mine:
    input:
        "results/warehouse/repositories.parquet",
        "results/warehouse/commits.parquet",
        "results/warehouse/licenses.parquet",
        "results/warehouse/languages.parquet",
    output:
        mined="results/commits/mined.parquet",
        ledger="results/attrition/mine.parquet",
    log:
        "results/logs/mine.log",
    benchmark:
        "results/logs/mine.tsv"
    threads: 2
    resources:
        mem_mb=4000,
    params:
        licenses=[f"--license {name}" for name in config["mine"]["licenses"]],
        least=lookup("mine/min_message", within=config),
        most=lookup("mine/max_message", within=config),
    shell:
        "themis mine results/warehouse {output.mined} {params.licenses} --min-message {params.least}"
        " --max-message {params.most} --ledger {output.ledger} 2>&1 | tee {log}"


rule select:
    input:
        "results/warehouse/merges.parquet",
        mined="results/commits/mined.parquet",
        allow_list=lookup("select/allow_list", within=config),
    output:
        selected="results/commits/selected.parquet",
        ledger="results/attrition/select.parquet",
    log:
        "results/logs/select.log",
    benchmark:
        "results/logs/select.tsv"
    threads: 1
    resources:
        mem_mb=4000,
    params:
        allow_list=[
            option("allow-list", path) for path in config["select"]["allow_list"]
        ],
        languages=[option("language", name) for name in config["select"]["languages"]],
        windows=[
            option(f"{split}-{end}", config["select"][split][end])
            for split in ("train", "benchmark")
            for end in ("since", "until")
        ],
        share=lookup("select/benchmark_share", within=config),
        merged=branch(
            config["select"]["require_merged"],
            then="--require-merged",
            otherwise="--no-require-merged",
        ),
        seed=lookup("seed", within=config),
    shell:
        "themis select {input.mined} {output.selected} --tables results/warehouse {params.allow_list}"
        " {params.languages} {params.windows} --benchmark-share {params.share} {params.merged}"
        " --seed {params.seed} --ledger {output.ledger} 2>&1 | tee {log}"
