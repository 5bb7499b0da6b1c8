"""The processes that train together: one alone, or those that torchrun started."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from train.errors import RunFailed, TrainError

T = TypeVar("T")

SET_BY_TORCHRUN = ("WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")  # beside RANK


@dataclass(frozen=True)
class Ranks:
    """This process among `size`; `local_rank` is its number, and so its GPU, on this machine."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Rank 0 checks the input and writes the run directory."""
        return self.rank == 0

    def wait(self) -> None:
        """Returns when every rank has come here."""
        if self.size > 1:
            dist.barrier()

    def total(self, values: Tensor) -> Tensor:
        """The sum of the ranks' tensors, on every rank; the host does not wait for it."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def any(self, value: bool) -> bool:
        """Whether it is true on some rank; hosts agree among themselves, and no device waits."""
        return bool(self.total(torch.tensor(float(value))) > 0)

    def from_leader(self, value: T) -> T:
        """Rank 0's value, on every rank."""
        values = [value]
        if self.size > 1:
            dist.broadcast_object_list(values, src=0)
        return values[0]

    def all(self, value: T) -> list[T]:
        """Every rank's value, in the order of ranks."""
        values = [value] * self.size
        if self.size > 1:
            dist.all_gather_object(values, value)
        return values


@contextmanager
def joined() -> Iterator[Ranks]:
    """Joins torchrun's process group where RANK says there is one; leaves it at the end.

    Raises TrainError for a RANK that is not torchrun's, and where there are more ranks than GPUs; RunFailed
    where another rank has ended, or cannot be reached any more.
    """
    if "RANK" not in os.environ:
        yield Ranks()
        return
    ranks = _by_torchrun()
    if torch.cuda.is_available():
        torch.cuda.set_device(ranks.local_rank)
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield ranks
    except RuntimeError as error:
        if not _is_of_the_connection(error):
            raise
        raise RunFailed(f"rank {ranks.rank} has lost another, which may have said why") from error
    finally:
        dist.destroy_process_group()


def _by_torchrun() -> Ranks:
    missing = [name for name in SET_BY_TORCHRUN if name not in os.environ]
    if missing:
        raise TrainError(
            f"RANK is set in the environment, but not {', '.join(missing)}: "
            "start several processes by torchrun, which sets them all, a single one after `unset RANK`"
        )
    ranks = Ranks(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_RANK"]))
    gpus = torch.cuda.device_count()
    if 0 < gpus <= ranks.local_rank:
        raise TrainError(f"there are more ranks here than GPUs: torchrun --nproc-per-node {gpus}")
    return ranks


def _is_of_the_connection(error: RuntimeError) -> bool:
    """gloo has no class of error of its own."""
    return isinstance(error, dist.DistError) or "gloo" in str(error)
