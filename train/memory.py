"""Memory that does not suffice, a GPU's or the machine's: known by what torch raises, told to the user."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from train.errors import TrainError

OUT_OF_MEMORY = (  # in errors that have no class of their own
    "DefaultCPUAllocator",
    "MPS backend out of memory",
    "CUDA error: out of memory",  # other programs hold the GPU's, or the machine's cannot be pinned
    "CUBLAS_STATUS_ALLOC_FAILED",
)

BYTES_OF_A_WEIGHT = 12  # at the least, in training: its value, its gradient and a moment in float32


def check_machine(weights: int) -> None:
    """Raises TrainError where this machine's memory cannot hold so many weights in training.

    Linux promises more memory than there is, and ends a process that uses it without a word.
    """
    takes, has = weights * BYTES_OF_A_WEIGHT, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if takes > has:
        raise TrainError(
            f"memory does not hold a model of {weights:,} weights: training it takes {takes / 1e9:,.1f} "
            f"GB or more, this machine has {has / 1e9:,.1f}; take a smaller model, or a machine with a GPU"
        )


@contextmanager
def told(what: str, instead: str) -> Iterator[None]:
    """Memory that does not hold `what`, a GPU's or the machine's, is a TrainError that says what to do."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and not is_out_of_memory(error):
            raise
        raise TrainError(f"memory does not hold {what}: {instead}") from error


def is_out_of_memory(error: RuntimeError) -> bool:
    """torch has a class of its own for what its allocator on CUDA lacks, and for nothing else."""
    return isinstance(error, torch.OutOfMemoryError) or any(said in str(error) for said in OUT_OF_MEMORY)
