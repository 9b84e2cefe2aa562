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
            config["repositories"] or config["roots"],
            then=[],
            otherwise="results/demo/repositories",
        ),
    output:
        multiext(
            "results/warehouse/",
            "repositories.parquet",
            "commits.parquet",
            "licenses.parquet",
            "languages.parquet",
            "merges.parquet",
            "skipped.parquet",
        ),
    log:
        "results/logs/tables.log",
    benchmark:
        "results/logs/tables.tsv"
    threads: 2
    resources:
        mem_mb=2000,
    params:
        sources=lambda wildcards, input: [
            *(option("repository", place) for place in config["repositories"]),
            *(option("root", place) for place in config["roots"]),
            option("root", input.demo or None),
        ],
    shell:
        "themis tables results/warehouse {params.sources}"
        " --clones results/clones --threads {threads} 2>&1 | tee {log}"


rule mine:
    input:
        branch(
            config["mine"]["warehouse"] == "bigquery",
            then=[],
            otherwise=multiext(
                "results/warehouse/",
                "commits.parquet",
                "licenses.parquet",
                "languages.parquet",
            ),
        ),
    output:
        mined="results/commits/mined.parquet",
        forks="results/commits/forks.parquet",
        ledger="results/attrition/mine.parquet",
    log:
        "results/logs/mine.log",
    benchmark:
        "results/logs/mine.tsv"
    threads: 2
    resources:
        mem_mb=4000,
    params:
        warehouse=lambda wildcards, input: (
            Path(input[0]).parent if input else "bigquery"
        ),
        licenses=[option("license", name) for name in config["mine"]["licenses"]],
        languages=[option("language", name) for name in config["mine"]["languages"]],
        least=lookup("mine/min_message", within=config),
        most=lookup("mine/max_message", within=config),
        bigquery=[
            option(name.replace("_", "-"), config["mine"][name])
            for name in (
                "project",
                "dataset",
                "results_dataset",
                "location",
                "max_gib",
                "usd_per_tib",
                "part_rows",
            )
            if config["mine"]["warehouse"] == "bigquery"
        ],
    shell:
        "themis mine {params.warehouse} {output.mined} --forks {output.forks} {params.licenses}"
        " {params.languages} --min-message {params.least} --max-message {params.most} --threads {threads}"
        " {params.bigquery} --ledger {output.ledger} 2>&1 | tee {log}"


rule ghtorrent_merges:
    input:
        dump=config["select"]["ghtorrent"] or [],
        mined="results/commits/mined.parquet",
    output:
        merges="results/commits/merges.parquet",
        ledger="results/attrition/merges.parquet",
    log:
        "results/logs/ghtorrent_merges.log",
    benchmark:
        "results/logs/ghtorrent_merges.tsv"
    threads: 2
    resources:
        mem_mb=3000,
    shell:
        "themis ghtorrent-merges {input.dump:q} {output.merges} --mined {input.mined} --threads {threads}"
        " --ledger {output.ledger} 2>&1 | tee {log}"


rule select:
    input:
        mined="results/commits/mined.parquet",
        forks="results/commits/forks.parquet",
        merges=branch(
            config["select"]["require_merged"] or config["select"]["require_request"],
            then=branch(
                config["select"]["ghtorrent"],
                then="results/commits/merges.parquet",
                otherwise="results/warehouse/merges.parquet",
            ),
            otherwise=[],
        ),
        allow_list=lookup("select/allow_list", within=config),
    output:
        selected="results/commits/selected.parquet",
        ledger="results/attrition/select.parquet",
    log:
        "results/logs/select.log",
    benchmark:
        "results/logs/select.tsv"
    threads: 2
    resources:
        mem_mb=3000,
    params:
        merges=lambda wildcards, input: option("merges", input.get("merges") or None),
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
        requested=branch(
            config["select"]["require_request"],
            then="--require-request",
            otherwise="--no-require-request",
        ),
        seed=lookup("seed", within=config),
    shell:
        "themis select {input.mined} {output.selected} --forks {input.forks} {params.merges}"
        " {params.allow_list} {params.languages} {params.windows} --benchmark-share {params.share}"
        " {params.merged} {params.requested} --seed {params.seed} --threads {threads}"
        " --ledger {output.ledger} 2>&1 | tee {log}"
