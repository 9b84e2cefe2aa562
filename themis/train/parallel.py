"""FSDP2 over one process or many: the group, the shards, and the few collectives the loop needs."""

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
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from themis.errors import Problem
from themis.train.model import RewardModel

Value = TypeVar("Value")


class Agreed(Problem):
    """A Problem that every process of the group raises, so that none is left waiting for the others."""


_TIMEOUT = timedelta(hours=6)  # the others wait while the first process tokenises


@dataclass(frozen=True)
class Group:
    """The processes that train together, and this one's place and device among them."""

    rank: int
    size: int
    device: torch.device
    mesh: DeviceMesh

    @property
    def leads(self) -> bool:
        """Whether this is the first process, which alone reads inputs and writes outputs."""
        return self.rank == 0


@contextmanager
def process_group(threads: int) -> Iterator[Group]:
    """Join the group torchrun or srun names in the environment (RANK, WORLD_SIZE, MASTER_*), or be one alone."""
    torch.set_num_threads(threads)
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(device)
    backend = "gloo" if device.type == "cpu" else "cpu:gloo,cuda:nccl"
    if "RANK" in os.environ:
        dist.init_process_group(backend, timeout=_TIMEOUT)
    else:
        dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1, timeout=_TIMEOUT)
    try:
        mesh = init_device_mesh(device.type, (dist.get_world_size(),))
        yield Group(dist.get_rank(), dist.get_world_size(), device, mesh)
    finally:
        dist.destroy_process_group()


def shard(model: RewardModel, group: Group) -> None:
    """Shard the model in place: activation checkpointing (on GPUs), then every decoder block, the head, the root.

    Weights are kept in float32. On GPUs the blocks compute in bfloat16 and gradients are reduced in float32; the reward
    head computes in float32 everywhere. Raises AssertionError where a parameter was left unsharded.
    """
    on_gpu = group.device.type == "cuda"
    if on_gpu:
        model.lm.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    exact = MixedPrecisionPolicy(param_dtype=torch.float32, reduce_dtype=torch.float32)
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32) if on_gpu else exact
    for layer in model.layers:
        # Host memory is plentiful and copies through gloo are slow: there the weights are gathered once a pass.
        fully_shard(layer, mesh=group.mesh, mp_policy=policy, reshard_after_forward=on_gpu)
    fully_shard(model.head, mesh=group.mesh, mp_policy=exact, reshard_after_forward=on_gpu)
    fully_shard(model, mesh=group.mesh, mp_policy=policy)
    unsharded = [name for name, parameter in model.named_parameters() if not isinstance(parameter, DTensor)]
    assert not unsharded, f"parameters outside FSDP: {unsharded}"
    if group.leads:
        compute = str(policy.param_dtype).removeprefix("torch.")
        print(
            f"FSDP2: {len(model.layers)} blocks over {group.size} processes on {group.device.type},"
            f" weights float32, compute {compute}",
            file=sys.stderr,
        )


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
            shards = distribute_tensor(whole, group.mesh, parameter.placements)
            filled[parameter] = torch.nn.Parameter(shards, requires_grad=parameter.requires_grad)
        state[name] = filled[parameter]
    model.load_state_dict(state, assign=True)
    model.to(group.device)  # buffers; the parameters are there already


def accumulate(model: RewardModel, group: Group, *, last: bool) -> None:
    """Before each micro-batch: on CPUs weights are gathered and gradients reduced once a step, on GPUs every time."""
    if group.device.type == "cpu":
        model.set_requires_gradient_sync(last)
        model.set_reshard_after_backward(last)


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor put together from its shards, in host memory; every process must call this."""
    with torch.no_grad():
        return (tensor.full_tensor() if isinstance(tensor, DTensor) else tensor).detach().cpu().contiguous()


def place(values: torch.Tensor, like: torch.Tensor) -> DTensor:
    """This process's shard of `values`, which every process has, cut as `like` is."""
    return distribute_tensor(values.to(like.device), like.device_mesh, like.placements, src_data_rank=None)


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
