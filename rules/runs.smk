# The runs of training: their weights, their pairs, their machines.


def exported(trained):
    """The weights of a run or a merge, or of the language model that a name stands for."""
    if isinstance(trained, str):
        return language_model(trained)
    return f"results/models/{trained.model}/{trained.name}/export/model.safetensors"


def run_of(wildcards):
    """The run of a stage of a model."""
    run = RUNS.get((wildcards.model, wildcards.stage))
    if run is None:
        raise WorkflowError(
            f"train: the study has no run of the stage {wildcards.stage} for {wildcards.model} (runs that are equal are "
            "done once, under the name of the first model)"
        )
    return run


def selection_of(wildcards):
    """Options that say which pairs a run trains on."""
    run = run_of(wildcards)
    return [
        *(option("criterion", criterion) for criterion in run.criteria),
        *(option("language", language) for language in run.languages),
        option("max-pairs", run.max_pairs),
        switch("system", run.system),
    ]


def on_nodes(value):
    """A resource of a run that several machines share; unset where one does it."""
    return lambda wildcards: (
        value(run_of(wildcards)) if run_of(wildcards).nodes > 1 else None
    )


def srun_of(wildcards):
    """What starts a run's processes on several machines; nothing where one does it."""
    run = run_of(wildcards)
    if run.nodes == 1:
        return ""
    return (
        f"srun --nodes {run.nodes} --ntasks-per-node {run.processes} --cpus-per-task {config['train']['threads']}"
        " --kill-on-bad-exit=1 "
    )
