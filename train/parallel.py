"""How ranks share one training: each with the whole state (DDP), or each with a part of it (FSDP2)."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from train.device import Device
from train.model import NextTokenLoss
from train.ranks import Ranks


def distribute(objective: NextTokenLoss, *, shard: bool, device: Device, ranks: Ranks) -> None:
    """Moves the model to the device; with `shard`, each rank keeps its rows of every tensor only.

    A block's weights are gathered while it computes, in the precision it computes in.
    """
    if not (shard and ranks.size > 1):
        objective.to(device.where)
        return
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard  # slow to import, seldom needed

    half = device.precision if device.precision != torch.float32 else None
    policy = MixedPrecisionPolicy(param_dtype=half, reduce_dtype=torch.float32)
    for block in objective.model.transformer.h:
        fully_shard(block, mp_policy=policy)
    # True, which is not the default outside blocks: a checkpoint after an evaluation must find shards.
    fully_shard(objective, mp_policy=policy, reshard_after_forward=True)


def replicated(objective: nn.Module, *, shard: bool, ranks: Ranks) -> nn.Module:
    """The module whose backward pass averages the ranks' gradients."""
    if shard or ranks.size == 1:
        return objective  # shards average by themselves
    return DistributedDataParallel(objective, gradient_as_bucket_view=True)


def accumulating(module: nn.Module) -> AbstractContextManager[object]:
    """Inside, replicas keep their gradients to themselves: only a step's last micro-batch averages them."""
    return module.no_sync() if isinstance(module, DistributedDataParallel) else nullcontext()


def whole(tensor: Tensor) -> Tensor:
    """A sharded tensor put together (every rank must ask); any other as it is."""
    return cast(Tensor, cast(Any, tensor).full_tensor()) if is_sharded(tensor) else tensor


def own_part(tensor: Tensor) -> Tensor:
    """This rank's rows of a sharded tensor; any other as it is."""
    return cast(Tensor, cast(Any, tensor).to_local()) if is_sharded(tensor) else tensor


def joined(rows: Tensor, parameter: Tensor) -> Tensor:
    """The whole of a tensor of which each rank has the rows that it has of the parameter (all must ask)."""
    if not is_sharded(parameter):
        return rows
    from torch.distributed.tensor import DTensor

    like = cast(Any, parameter)
    shape, stride = parameter.shape, parameter.stride()
    return whole(DTensor.from_local(rows, like.device_mesh, like.placements, shape=shape, stride=stride))


def own_rows(tensor: Tensor, parameter: Tensor) -> Tensor:
    """Of a whole tensor the rows that this rank has of the parameter."""
    if not is_sharded(parameter):
        return tensor
    mesh = cast(Any, parameter).device_mesh
    parts = tensor.chunk(mesh.size())  # as FSDP2 divides rows: the last ranks may have fewer, or none
    return parts[mesh.get_local_rank()] if mesh.get_local_rank() < len(parts) else tensor[:0]


def placed_like(tensor: Tensor, parameter: Tensor) -> Tensor:
    """A whole tensor on the parameter's device, and sharded as it is; numbers are never sharded."""
    tensor = tensor.to(parameter.device)
    if not is_sharded(parameter) or tensor.dim() == 0:
        return tensor
    from torch.distributed.tensor import distribute_tensor

    like = cast(Any, parameter)
    return distribute_tensor(tensor, like.device_mesh, like.placements)


def is_sharded(tensor: Tensor) -> bool:
    """Whether it is a DTensor, whose class is slow to import."""
    return hasattr(tensor, "device_mesh")
