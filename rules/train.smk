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
                "keep_checkpoints",
                "nodes",
                "replicas",
                "precision",
                "activation_checkpointing",
                "held_out",
                "evaluate_every",
            )
        },
        switches=[
            switch(name, config["train"][name])
            for name in ("share_prefix", "offload", "compile", "keep_best")
        ],
        trackers=[option("tracker", name) for name in config["train"]["trackers"]],
        seed=lookup("seed", within=config),
    shell:
        "themis train {input.preferences} results/models/{wildcards.model}/{wildcards.stage}/export"
        " --base {params.start} --checkpoints results/models/{wildcards.model}/{wildcards.stage}/checkpoints"
        " --metrics {output.metrics} --ledger {output.ledger} --name {wildcards.model} --stage {wildcards.stage}"
        " --epochs {params.stage[epochs]} --batch-pairs {params.stage[batch_pairs]}"
        " --learning-rate {params.stage[learning_rate]}"
        " --final-learning-rate {params.stage[final_learning_rate]} {params.head}"
        " --schedule {params.stage[schedule]} --stable {params.stage[stable]}"
        " --margin {params.stage[margin]} --label-smoothing {params.stage[label_smoothing]}"
        " --warmup {params.stage[warmup]} --clip {params.stage[clip]}"
        " --weight-decay {params.stage[weight_decay]} --lm-weight {params.stage[lm_weight]}"
        " --magnitude-weight {params.stage[magnitude_weight]} --magnitude {params.stage[magnitude]}"
        " --max-tokens {params.stage[max_tokens]} --batch-tokens {params.train[batch_tokens]}"
        " --frozen-layers {params.train[frozen_layers]} --checkpoint-every {params.train[checkpoint_every]}"
        " --keep-checkpoints {params.train[keep_checkpoints]} --held-out {params.train[held_out]}"
        " --evaluate-every {params.train[evaluate_every]} {params.switches} {params.trackers}"
        " --precision {params.train[precision]} --nodes {params.train[nodes]} --replicas {params.train[replicas]}"
        " --activation-checkpointing {params.train[activation_checkpointing]}"
        " --processes {params.train[processes]} --threads {params.train[threads]} --seed {params.seed} 2>&1 | tee {log}"
