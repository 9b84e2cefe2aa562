rule train:
    input:
        preferences=lambda wildcards: f"results/preferences/{STAGES[wildcards.stage]['data']}.parquet",
        start=start_of,
    output:
        weights="results/models/{model}/{stage}/export/model.safetensors",
        metrics="results/metrics/{model}.{stage}.parquet",
        ledger="results/attrition/train.{model}.{stage}.parquet",
    log:
        "results/logs/train.{model}.{stage}.log",
    benchmark:
        "results/logs/train.{model}.{stage}.tsv"
    threads: config["train"]["processes"] * config["train"]["threads"]
    resources:
        mem_mb=8000,
    params:
        start=lambda wildcards, input: str(Path(input.start).parent),
        stage=lambda wildcards: STAGES[wildcards.stage],
        head=lambda wildcards: option(
            "head-learning-rate", STAGES[wildcards.stage]["head_learning_rate"]
        ),
        train=lambda wildcards: {
            key: config["train"][key]
            for key in (
                "processes",
                "threads",
                "batch_tokens",
                "frozen_layers",
                "checkpoint_every",
            )
        },
        seed=lookup("seed", within=config),
    shell:
        "themis train {input.preferences} results/models/{wildcards.model}/{wildcards.stage}/export"
        " --base {params.start} --checkpoints results/models/{wildcards.model}/{wildcards.stage}/checkpoints"
        " --metrics {output.metrics} --ledger {output.ledger} --name {wildcards.model} --stage {wildcards.stage}"
        " --epochs {params.stage[epochs]} --batch-pairs {params.stage[batch_pairs]}"
        " --learning-rate {params.stage[learning_rate]}"
        " --final-learning-rate {params.stage[final_learning_rate]} {params.head}"
        " --warmup {params.stage[warmup]} --clip {params.stage[clip]}"
        " --weight-decay {params.stage[weight_decay]} --lm-weight {params.stage[lm_weight]}"
        " --magnitude-weight {params.stage[magnitude_weight]} --magnitude {params.stage[magnitude]}"
        " --max-tokens {params.stage[max_tokens]} --batch-tokens {params.train[batch_tokens]}"
        " --frozen-layers {params.train[frozen_layers]} --checkpoint-every {params.train[checkpoint_every]}"
        " --processes {params.train[processes]} --threads {params.train[threads]} --seed {params.seed} 2>&1 | tee {log}"
