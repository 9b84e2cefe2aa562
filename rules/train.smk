import signal

# Before a job's time is up, SLURM signals every process below it (`--signal`). Training saves itself then; Snakemake and
# its shells ignore the signal, or they would end first and training with them.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)


rule train:
    input:
        preferences=lambda wildcards: f"results/preferences/{run_of(wildcards).stage.data}.parquet",
        start=lambda wildcards: exported(run_of(wildcards).start),
    output:
        weights="results/models/{model}/{stage}/export/model.safetensors",
        metrics="results/metrics/{model}.{stage}.parquet",
        ledger="results/attrition/train.{model}.{stage}.parquet",
    log:
        "results/logs/train.{model}.{stage}.log",
    benchmark:
        "results/logs/train.{model}.{stage}.tsv"
    threads: lambda wildcards: run_of(wildcards).processes * config["train"]["threads"]
    resources:
        mem_mb=8000,
        # `mpi` has the SLURM executor run the command as it is: its own srun, of one task, would not let another one out.
        mpi=on_nodes(lambda run: "srun"),
        nodes=lambda wildcards: run_of(wildcards).nodes,
        # As many on each node; of one alone, the executor wants their sum.
        tasks=on_nodes(lambda run: run.nodes if run.processes == 1 else None),
        tasks_per_node=on_nodes(
            lambda run: run.processes if run.processes > 1 else None
        ),
        # Of a task: srun starts one for each process, else the one command starts them all.
        cpus_per_task=lambda wildcards, threads: (
            config["train"]["threads"] if run_of(wildcards).nodes > 1 else threads
        ),
        tasks_per_gpu=on_nodes(lambda run: 0),
    params:
        start=lambda wildcards, input: str(Path(input.start).parent),
        stage=lambda wildcards: run_of(wildcards).stage.model_dump(mode="json"),
        head=lambda wildcards: option(
            "head-learning-rate", run_of(wildcards).stage.head_learning_rate
        ),
        selection=selection_of,
        train=lambda wildcards: {
            key: config["train"][key]
            for key in (
                "threads",
                "batch_tokens",
                "frozen_layers",
                "checkpoint_every",
                "keep_checkpoints",
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
        srun=srun_of,
        nodes=lambda wildcards: run_of(wildcards).nodes,
        processes=lambda wildcards: run_of(wildcards).processes,
        trackers=[option("tracker", name) for name in config["train"]["trackers"]],
        seed=lookup("seed", within=config),
    shell:
        "{params.srun}themis train {input.preferences} results/models/{wildcards.model}/{wildcards.stage}/export"
        " --base {params.start} --checkpoints results/models/{wildcards.model}/{wildcards.stage}/checkpoints"
        " --metrics {output.metrics} --ledger {output.ledger} --name {wildcards.model} --stage {wildcards.stage}"
        " --epochs {params.stage[epochs]} --batch-pairs {params.stage[batch_pairs]}"
        " --learning-rate {params.stage[learning_rate]}"
        " --final-learning-rate {params.stage[final_learning_rate]} {params.head}"
        " --schedule {params.stage[schedule]} --stable {params.stage[stable]}"
        " --margin {params.stage[margin]} --label-smoothing {params.stage[label_smoothing]}"
        " --warmup {params.stage[warmup]} --clip {params.stage[clip]}"
        " --weight-decay {params.stage[weight_decay]} --beta1 {params.stage[beta1]}"
        " --beta2 {params.stage[beta2]} --epsilon {params.stage[epsilon]} --lm-weight {params.stage[lm_weight]}"
        " --magnitude-weight {params.stage[magnitude_weight]} --magnitude {params.stage[magnitude]}"
        " --max-tokens {params.stage[max_tokens]} --batch-tokens {params.train[batch_tokens]}"
        " --frozen-layers {params.train[frozen_layers]} --checkpoint-every {params.train[checkpoint_every]}"
        " --keep-checkpoints {params.train[keep_checkpoints]} --held-out {params.train[held_out]}"
        " --evaluate-every {params.train[evaluate_every]} {params.switches} {params.trackers} {params.selection}"
        " --precision {params.train[precision]} --nodes {params.nodes} --replicas {params.train[replicas]}"
        " --activation-checkpointing {params.train[activation_checkpointing]}"
        " --processes {params.processes} --threads {params.train[threads]} --seed {params.seed} 2>&1 | tee {log}"


rule merge:
    input:
        start=lambda wildcards: exported(MERGES[wildcards.model].start),
        members=lambda wildcards: [
            exported(member) for member in MERGES[wildcards.model].members
        ],
    output:
        weights="results/models/{model}/merged/export/model.safetensors",
    log:
        "results/logs/merge.{model}.log",
    benchmark:
        "results/logs/merge.{model}.tsv"
    threads: 1
    resources:
        mem_mb=8000,
    params:
        start=lambda wildcards, input: str(Path(input.start).parent),
        members=lambda wildcards, input: [
            str(Path(path).parent) for path in input.members
        ],
        density=lambda wildcards: MERGES[wildcards.model].density,
        weight=lambda wildcards: MERGES[wildcards.model].weight,
    shell:
        "themis merge-models results/models/{wildcards.model}/merged/export {params.members} --start {params.start}"
        " --density {params.density} --weight {params.weight} 2>&1 | tee {log}"
