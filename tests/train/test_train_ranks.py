from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor
from torch.testing._internal.distributed.fake_pg import FakeStore

from train import parallel, prepare
from train.errors import RunFailed, TrainError
from train.ranks import Ranks, joined
from train.settings import Settings

TORCHRUN = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "3", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}


def test_a_rank_that_is_not_torchruns_is_an_error_that_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in TORCHRUN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    with pytest.raises(TrainError, match="but not LOCAL_RANK, MASTER_ADDR, MASTER_PORT: start"), joined():
        pass


def test_more_ranks_than_gpus_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TORCHRUN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for local_rank in ("2", "3"):
        monkeypatch.setenv("LOCAL_RANK", local_rank)
        with (
            pytest.raises(TrainError, match="more ranks here than GPUs: torchrun --nproc-per-node 2"),
            joined(),
        ):
            pass


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer"), RunFailed),
        (dist.DistBackendError("NCCL communicator was aborted on rank 0."), RunFailed),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), RuntimeError),
    ],
)
def test_only_a_lost_connection_is_called_one_and_the_group_is_left_however_it_ends(
    error: RuntimeError, told: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = {
        "RANK": "0",
        "WORLD_SIZE": "1",
        "LOCAL_RANK": "0",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "0",
    }
    for name, value in alone.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(told) as raised, joined() as ranks:
        assert (ranks, dist.is_initialized()) == (Ranks(0, 1, 0), True)
        raise error
    assert ("rank 0 has lost another" in str(raised.value)) is (told is RunFailed)
    assert not dist.is_initialized()


@pytest.mark.parametrize(("size", "ranks"), [(4, 2), (12, 2), (8, 3)])
def test_a_step_that_does_not_divide_into_the_ranks_micro_batches_is_an_error(
    size: int, ranks: int, corpus: Path, tiny: Callable[..., Settings], tmp_path: Path
) -> None:
    asked = tiny(train__batch_size=size, train__micro_batch_size=4)
    with pytest.raises(TrainError, match=rf"batch_size = {size} does not divide .* of 4 on {ranks} ranks"):
        prepare.resolve(corpus, tmp_path, asked, Ranks(0, ranks))
    prepare.resolve(
        corpus, tmp_path, tiny(train__batch_size=4 * ranks, train__micro_batch_size=4), Ranks(0, ranks)
    )


@contextmanager
def one_of_four(rank: int) -> Iterator[None]:
    """A rank whose others are not there: nothing is exchanged."""
    dist.init_process_group("fake", store=FakeStore(), rank=rank, world_size=4)
    try:
        yield
    finally:
        dist.destroy_process_group()


def test_gradients_are_exchanged_with_a_steps_last_micro_batch_alone() -> None:
    model, ranks = torch.nn.Linear(2, 2), Ranks(1, 4)
    assert parallel.replicated(model, shard=True, ranks=ranks) is model  # shards exchange theirs themselves
    assert parallel.replicated(model, shard=False, ranks=Ranks()) is model
    with one_of_four(1):
        replica = parallel.replicated(model, shard=False, ranks=ranks)
        with parallel.accumulating(replica):
            assert not replica.require_backward_grad_sync
        assert replica.require_backward_grad_sync


@pytest.mark.parametrize("rank", range(4))
def test_a_rank_takes_of_a_whole_tensor_the_rows_it_has_of_a_parameter(rank: int) -> None:
    whole = torch.arange(10.0).view(5, 2)  # 2, 2 and 1 row, and none
    with one_of_four(rank):
        mesh = init_device_mesh("cpu", (4,))
        parameter = distribute_tensor(whole, mesh, [Shard(0)], src_data_rank=None)
        mine = whole[2 * rank : 2 * rank + 2]
        assert torch.equal(parallel.own_part(parameter), mine)
        assert torch.equal(parallel.own_rows(whole, parameter), mine)
    for own in (parallel.own_part(whole), parallel.own_rows(whole, whole), parallel.joined(whole, whole)):
        assert own is whole  # of what is not sharded
