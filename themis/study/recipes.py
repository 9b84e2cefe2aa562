"""What a study trains: the runs of its model and of every variant, each run once, and the merges of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from themis.study.training import MERGED, Stage, Train, Variant


@dataclass(frozen=True)
class Run:
    """One stage of one model. Two are equal where all that decides what is learned is, whatever they are named."""

    model: str = field(compare=False)
    stage: Stage
    start: Run | str  # the run it goes on from, or a language model's name
    criteria: tuple[str, ...]
    languages: tuple[str, ...]
    max_pairs: int | None
    system: bool
    processes: int = field(compare=False)
    nodes: int = field(compare=False)

    @property
    def name(self) -> str:
        """The name of the stage."""
        return self.stage.name


@dataclass(frozen=True)
class Merge:
    """A model put together from others: what each changed of the start they have in common."""

    model: str
    members: tuple[Run, ...]
    start: Run | str
    density: float
    weight: float

    @property
    def name(self) -> str:
        """What stands in the place of a stage's name."""
        return MERGED


def resolve(train: Train) -> dict[str, Run | Merge]:
    """By model, what its weights come from: its last run, or a merge. `train.name` is the first.

    A run that equals one of an earlier model is that one. Raises ValueError where a variant contradicts the study.
    """
    if repeated := _repeated(stage.name for stage in train.stages):
        raise ValueError(f"train.stages: two are named {repeated}")
    known: dict[Run, Run] = {}
    models: dict[str, Run | Merge] = {train.name: _last_run(train, train.name, Variant(), known)}
    for name, variant in train.variants.items():
        _check(train, name, variant)
        if variant.merge:
            continue
        last = _last_run(train, name, variant, known)
        if twin := next((other for other, run in models.items() if run == last), None):
            raise ValueError(
                f"train.variants.{name}: trains the same model as {twin}; change something or leave it out"
            )
        models[name] = last
    for name, variant in train.variants.items():
        if variant.merge:
            models[name] = _merge(name, variant, models)
    return models


def runs(models: dict[str, Run | Merge]) -> list[Run]:
    """Every run that the models need, once, each after the one it starts from."""
    found: dict[Run, None] = {}
    for model in models.values():
        if isinstance(model, Run):
            found.update(dict.fromkeys(step for step in _chain(model) if isinstance(step, Run)))
    return list(found)


def _check(train: Train, name: str, variant: Variant) -> None:
    """Whether the names a variant gives exist, and the stages it runs are such that what it says has a meaning."""
    where = f"train.variants.{name}"
    if name == train.name:
        raise ValueError(f"{where}: {name} is train.name already; take another")
    stages = {stage.name: stage for stage in train.stages}
    for key, said in (("stages", variant.stages or []), ("nodes", list(variant.nodes))):
        if strange := [stage for stage in said if stage not in stages]:
            raise ValueError(f"{where}.{key}: {strange[0]} is none of train.stages ({', '.join(stages)})")
        if key == "nodes" and (idle := [stage for stage in said if stage not in (variant.stages or stages)]):
            raise ValueError(
                f"{where}.nodes: {idle[0]} is none of the stages it runs ({', '.join(variant.stages or [])})"
            )
    if repeated := _repeated(variant.stages or []):
        raise ValueError(f"{where}.stages: {repeated} is named twice")
    selects = [key for key in ("criteria", "languages", "max_pairs") if getattr(variant, key)]
    if selects and all(stages[stage].data != "code" for stage in variant.stages or stages):
        raise ValueError(f"{where}.{selects[0]}: picks code pairs, but no stage it runs trains on the code set")
    if repeated := _repeated(variant.merge):
        raise ValueError(f"{where}.merge: {repeated} is named twice")
    for member in variant.merge:
        if member != train.name and member not in train.variants:
            raise ValueError(f"{where}.merge: {member} is neither train.name nor one of train.variants")
        if member != train.name and train.variants[member].merge:
            raise ValueError(f"{where}.merge: {member} is a merge itself; name the models it is made of")


def _last_run(train: Train, name: str, variant: Variant, known: dict[Run, Run]) -> Run:
    """The last run of a model; runs are taken from `known` where they are there, and added where they are not."""
    last: Run | str = variant.base or train.base
    own = {key: getattr(variant, key) for key in ("lm_weight", "magnitude_weight", "magnitude")}
    for stage in train.stages:
        if variant.stages and stage.name not in variant.stages:
            continue
        of_code = stage.data == "code"
        run = Run(
            model=name,
            stage=stage.model_copy(update={"nodes": None} | {k: v for k, v in own.items() if v is not None}),
            start=last,
            criteria=tuple(sorted(set(variant.criteria))) if of_code else (),
            languages=tuple(sorted(set(variant.languages))) if of_code else (),
            max_pairs=variant.max_pairs if of_code else None,
            system=variant.system_prompts,
            processes=variant.processes or train.processes,
            nodes=variant.nodes.get(stage.name) or stage.nodes or train.nodes,
        )
        last = known.setdefault(run, run)
    assert isinstance(last, Run)  # there is at least one stage
    return last


def _merge(name: str, variant: Variant, models: dict[str, Run | Merge]) -> Merge:
    members = tuple(models[member] for member in variant.merge)
    common: Run | str | None = None
    for starts in zip(*(_chain(member)[:-1] for member in members), strict=False):
        if any(start != starts[0] for start in starts):
            break
        common = starts[0]
    if common is None:
        bases = sorted({str(_chain(member)[0]) for member in members})
        raise ValueError(f"train.variants.{name}.merge: its models start from {' and '.join(bases)}, not from the same")
    return Merge(name, members, common, variant.density, variant.weight)


def _chain(run: Run) -> list[Run | str]:
    """The language model a run goes back to, and every run from there to this one."""
    before = _chain(run.start) if isinstance(run.start, Run) else [run.start]
    return [*before, run]


def _repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)
