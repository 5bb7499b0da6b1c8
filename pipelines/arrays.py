"""Arrays that one map of a stage leaves for the next: whole files, mapped into memory when read."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from webtext import files

Span = tuple[int, int]  # begin and end of a row in a ragged array


@dataclass(frozen=True)
class Arrays:
    """A folder of arrays by name. Each is written whole or not at all, so that `has` means done; the folder's
    name, or that it began empty, makes sure of what is in them."""

    folder: Path

    def has(self, name: str) -> bool:
        return files.exists(self.folder / name)

    def remove(self, pattern: str) -> None:
        for name in files.sizes(self.folder):
            if fnmatch(name, pattern):
                files.remove(self.folder / name)

    def save(self, name: str, array: npt.NDArray[Any]) -> None:
        with files.whole(self.folder / name) as temporary, temporary.open("wb") as file:
            np.save(file, np.ascontiguousarray(array), allow_pickle=False)

    def load(self, name: str) -> npt.NDArray[Any]:
        with pa.memory_map(str(self._here(name))) as file:  # whose maps, unlike numpy's, keep no file open
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            return np.frombuffer(file.read_buffer(), dtype).reshape(shape)

    @contextmanager
    def filling(self, name: str, length: int, dtype: npt.DTypeLike) -> Iterator[npt.NDArray[Any]]:
        """Yields zeros, mapped to the file, to be filled in any order: the kernel may write out what of it
        has been touched."""
        with files.whole(self.folder / name) as temporary:
            mapped = np.lib.format.open_memmap(temporary, "w+", np.dtype(dtype), (length,))
            yield np.asarray(mapped)
            mapped.flush()

    @contextmanager
    def ragged(self, name: str) -> Iterator[Callable[[npt.NDArray[Any]], Span]]:
        """Yields the function that appends a row of integers and returns where it lies."""
        end = 0

        def append(row: npt.NDArray[Any]) -> Span:
            nonlocal end
            file.write(row.astype("<u8").tobytes())
            end += len(row)
            return end - len(row), end

        with files.whole(self.folder / name) as temporary, temporary.open("wb") as file:
            yield append

    def open_ragged(self, name: str) -> "Rows":
        return Rows(self._here(name))

    def load_ragged(self, name: str) -> npt.NDArray[np.uint64]:
        path = self._here(name)
        if not path.stat().st_size:
            return np.empty(0, np.uint64)
        with pa.memory_map(str(path)) as file:
            return np.frombuffer(file.read_buffer(), "<u8")

    def _here(self, name: str) -> Path:
        return files.here(self.folder / name, settled=True)


class Rows:
    """A ragged array whose rows are read one by one. It is not mapped: the kernel maps sixteen pages around
    each that is touched."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)

    def __getitem__(self, span: Span) -> npt.NDArray[np.uint64]:
        begin, end = span
        return np.frombuffer(os.pread(self._file.fileno(), 8 * (end - begin), 8 * begin), "<u8")

    def close(self) -> None:
        self._file.close()
