"""FSDP2 or HSDP over one process or many: the group, the shards, and the few collectives the loop needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import CPUOffloadPolicy, FSDPModule, MixedPrecisionPolicy, OffloadPolicy, fully_shard
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

from themis.errors import Problem
from themis.train.model import RewardModel

Value = TypeVar("Value")


class Agreed(Problem):
    """A Problem that every process of the group raises, so that none is left waiting for the others."""


_TIMEOUT = timedelta(hours=6)  # the others wait while the first process tokenises


@dataclass(frozen=True)
class Group:
    """The processes that train together, and this one's place, devices and mesh among them."""

    rank: int
    size: int
    device: torch.device  # where this process computes
    home: torch.device  # where its shards of weights and optimiser state lie between uses
    mesh: DeviceMesh  # shards, or replicas x shards

    @property
    def leads(self) -> bool:
        """Whether this is the first process, which alone reads inputs and writes outputs."""
        return self.rank == 0


@contextmanager
def process_group(*, processes: int, replicas: int = 1, threads: int = 1, offload: bool = False) -> Iterator[Group]:
    """Join the group that the environment names (RANK, WORLD_SIZE, MASTER_*), or be one alone.

    The model is sharded over all `processes`, or over `processes / replicas` as often as `replicas` says. Raises
    Problem in every process where other ones were started, or they cannot be divided so.
    """
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size != processes:
        raise Agreed(f"--nodes, --processes: {processes} processes in all, but {size} were started; start as many")
    if size % replicas:
        raise Agreed(f"--replicas: {replicas} do not divide the {size} processes evenly")
    torch.set_num_threads(threads)
    device = torch.device("cpu")
    if torch.cuda.is_available():
        # Some clusters show each process its own GPU only.
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())
        torch.cuda.set_device(device)
    backend = "gloo" if device.type == "cpu" else "cpu:gloo,cuda:nccl"
    if "RANK" in os.environ:
        dist.init_process_group(backend, timeout=_TIMEOUT)
    else:
        dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1, timeout=_TIMEOUT)
    try:
        shape, names = (
            ((size,), ("shards",)) if replicas == 1 else ((replicas, size // replicas), ("replicas", "shards"))
        )
        mesh = init_device_mesh(device.type, shape, mesh_dim_names=names)
        yield Group(dist.get_rank(), size, device, torch.device("cpu") if offload else device, mesh)
    finally:
        dist.destroy_process_group()


def shard(
    model: RewardModel, group: Group, *, compute: torch.dtype, checkpointing: str = "auto", compile_blocks: bool = False
) -> None:
    """Shard the model in place: activation checkpointing, compilation, then every decoder block, the head, the root.

    Weights are kept and gradients reduced in float32; the decoder computes in `compute`, the reward head in float32.
    `checkpointing` is auto (on GPUs), on or off. What is in force is checked and said by the first process. Raises
    Problem where the model cannot recompute its activations.
    """
    on_gpu = group.device.type == "cuda"
    recomputed = on_gpu if checkpointing == "auto" else checkpointing == "on"
    blocks = list(model.layers)
    if recomputed:
        try:
            model.lm.activation_checkpointing_enable({"use_reentrant": False})
        except ValueError:
            name = type(model.lm).__name__
            raise Agreed(f"--activation-checkpointing: {name} cannot recompute activations; turn it off") from None
        model.lm.disable_input_require_grads()  # of use to reentrant ones only; frozen blocks would keep a graph
    if compile_blocks:
        for block in blocks:
            block.compile()
    policy = MixedPrecisionPolicy(param_dtype=compute, reduce_dtype=torch.float32)
    exact = MixedPrecisionPolicy(param_dtype=torch.float32, reduce_dtype=torch.float32)
    offloaded = group.home != group.device
    settings = {"mesh": group.mesh, "offload_policy": CPUOffloadPolicy() if offloaded else OffloadPolicy()}
    for block in blocks:
        # Host memory is plentiful and copies through gloo are slow: there the weights are gathered once a pass.
        fully_shard(block, mp_policy=policy, reshard_after_forward=on_gpu, **settings)
    fully_shard(model.head, mp_policy=exact, reshard_after_forward=on_gpu, **settings)
    fully_shard(model, mp_policy=policy, **settings)
    _check(model, group, blocks, recomputed=recomputed, compiled=compile_blocks)
    if group.leads:
        size = " x ".join(f"{group.mesh.size(i)} {name}" for i, name in enumerate(group.mesh.mesh_dim_names))
        said = {"checkpointing": recomputed, "offload": offloaded, "compile": compile_blocks}
        print(
            f"FSDP2: {len(blocks)} blocks over {group.size} processes ({size}) on {group.device.type}, weights and"
            f" gradients float32, compute {str(compute).removeprefix('torch.')}, "
            + ", ".join(f"{name} {'on' if value else 'off'}" for name, value in said.items()),
            file=sys.stderr,
        )


def _check(
    model: RewardModel, group: Group, blocks: list[torch.nn.Module], *, recomputed: bool, compiled: bool
) -> None:
    """Raises AssertionError where the strategy asked for is not the one in force."""
    sharded = {module for module in model.modules() if isinstance(module, FSDPModule)}
    assert sharded == {*blocks, model.head, model}, f"{len(sharded)} modules sharded, not {len(blocks)} blocks"
    placements = (*[Replicate()] * (group.mesh.ndim - 1), Shard(0))
    for name, parameter in model.named_parameters():
        assert isinstance(parameter, DTensor), f"{name} lies outside FSDP"
        assert parameter.device_mesh == group.mesh and parameter.placements == placements, f"{name}: {parameter}"
        assert parameter.dtype == torch.float32, f"{name} is kept in {parameter.dtype}"
    for block in blocks:
        assert getattr(block, "gradient_checkpointing", False) == recomputed, f"{type(block).__name__}: checkpointing"
        assert (block._compiled_call_impl is not None) == compiled, f"{type(block).__name__}: compilation"


def fill(model: RewardModel, group: Group, weights: Mapping[str, torch.Tensor]) -> None:
    """Give a sharded model on the meta device its weights, which only the first process has."""
    filled: dict[torch.Tensor, torch.nn.Parameter] = {}
    state = {}
    if group.leads:
        names = {name for name, _ in model.named_parameters()}
        assert names == set(weights), f"weights do not fit the model: {sorted(names ^ set(weights))[:3]}"
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if parameter not in filled:
            whole = weights[name].to(group.device) if group.leads else torch.empty(parameter.shape, device=group.device)
            shards = distribute_tensor(whole, group.mesh, parameter.placements).to(group.home)
            filled[parameter] = torch.nn.Parameter(shards, requires_grad=parameter.requires_grad)
        state[name] = filled[parameter]
    model.load_state_dict(state, assign=True)
    for buffer in model.buffers():
        buffer.data = buffer.to(group.device)


def accumulate(model: RewardModel, group: Group, *, last: bool) -> None:
    """Before each micro-batch: on CPUs weights are gathered and gradients reduced once a step, on GPUs every time."""
    if group.device.type == "cpu":
        model.set_requires_gradient_sync(last)
        model.set_reshard_after_backward(last)


def reshard(model: RewardModel) -> None:
    """Give up the weights that a forward pass without a backward pass gathered."""
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor put together from its shards, in host memory; every process must call this."""
    with torch.no_grad():
        return (tensor.full_tensor() if isinstance(tensor, DTensor) else tensor).detach().cpu().contiguous()


def part(tensor: DTensor) -> tuple[slice, ...]:
    """Which part of the whole tensor this process holds."""
    shape, offset = compute_local_shape_and_global_offset(tensor.shape, tensor.device_mesh, tensor.placements)
    return tuple(slice(start, start + length) for start, length in zip(offset, shape, strict=True))


def place(mine: torch.Tensor, like: DTensor) -> DTensor:
    """A tensor cut as `like` is, of which `mine` is the part that this process holds."""
    return DTensor.from_local(
        mine.to(like.device), like.device_mesh, like.placements, run_check=False, shape=like.shape, stride=like.stride()
    )


def first(group: Group, work: Callable[[], Value]) -> Value:
    """What `work` returns in the first process, in all of them; a Problem there is raised in all of them, as Agreed."""
    outcome: list = [None, None]
    if group.leads:
        try:
            outcome[0] = work()
        except Problem as problem:
            outcome[1] = str(problem)
    dist.broadcast_object_list(outcome, src=0)  # plain values of our own processes
    if outcome[1] is not None:
        raise Agreed(outcome[1])
    return outcome[0]


def total(values: torch.Tensor) -> torch.Tensor:
    """The sum of a tensor over all processes."""
    dist.all_reduce(values)
    return values
