"""A corpus is a directory, on a disk or in an object store: a frozen recipe, a folder per table, a lock.

A table is a folder of partitions with a `_manifest.json` that is written last. While a stage runs, the
finished partitions stand in `_journal.jsonl`, one line each; the manifest takes their place at the end.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from webtext import files, lease, schemas, store
from webtext.errors import UserError
from webtext.fingerprint import fingerprint

if TYPE_CHECKING:
    import pyarrow.dataset as ds

    from webtext.recipe import Recipe

TABLES = {
    "links": schemas.LINKS,
    "pages": schemas.PAGES,
    "documents": schemas.DOCUMENTS,
    "clusters/signatures": schemas.SIGNATURES,
    "clusters/edges": schemas.EDGES,
    "clusters": schemas.CLUSTERS,
    "clusters/paragraphs": schemas.PARAGRAPHS,
    "clusters/contaminated": schemas.CONTAMINATED,
    "shards": schemas.SHARDS,
    "tokens": None,
    "ledger": schemas.LEDGER,
}


PUT_EVERY_S = 5.0  # a stage's journal, into an object store


@dataclass(frozen=True)
class Counts:
    """What went into a stage and what became of it: into = out + merged + sum(dropped)."""

    into: int = 0
    out: int = 0
    merged: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    def __add__(self, other: "Counts") -> "Counts":
        dropped = dict(self.dropped)
        for reason, count in other.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
        return Counts(self.into + other.into, self.out + other.out, self.merged + other.merged, dropped)

    @property
    def balanced(self) -> bool:
        return self.into == self.out + self.merged + sum(self.dropped.values())

    def as_json(self) -> dict[str, Any]:
        dropped = dict(sorted(self.dropped.items()))
        return {"in": self.into, "out": self.out, "merged": self.merged, "dropped": dropped}


@dataclass(frozen=True)
class Part:
    """A finished partition.

    `key` fingerprints all that its bytes depend on, `hash` what later stages depend on in it. `extra` is
    what else the stage wants to remember, as JSON.
    """

    file: str
    key: str
    rows: int
    bytes: int
    hash: str
    counts: Counts = Counts()
    extra: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"counts": self.counts.as_json()}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "Part":
        counts = {"into" if name == "in" else name: value for name, value in row["counts"].items()}
        return cls(**(row | {"counts": Counts(**counts)}))


@dataclass(frozen=True)
class Manifest:
    stage: str
    version: int
    recipe: str
    inputs: str
    partitions: tuple[Part, ...]
    counts: Counts
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """What later stages depend on."""
        return fingerprint([part.hash for part in self.partitions])

    def as_json(self) -> dict[str, Any]:
        head = {"stage": self.stage, "version": self.version, "recipe": self.recipe, "inputs": self.inputs}
        return (
            head | self.counts.as_json() | self.extra | {"partitions": [p.as_json() for p in self.partitions]}
        )

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "Manifest":
        known = {key: row.pop(key) for key in ("stage", "version", "recipe", "inputs")}
        parts = tuple(Part.from_json(part) for part in row.pop("partitions"))
        counts = Counts(row.pop("in"), row.pop("out"), row.pop("merged"), row.pop("dropped"))
        return cls(**known, partitions=parts, counts=counts, extra=row)


@dataclass(frozen=True)
class Table:
    """One folder of a corpus."""

    name: str
    folder: Path
    schema: pa.Schema | None

    def path(self, partition: int) -> Path:
        return self.folder / partition_name(partition)

    def holding(self) -> Callable[[Part], bool]:
        """Says of a partition whether its file is there now, as long as it was when it was marked done."""
        sizes = files.sizes(self.folder)
        return lambda part: sizes.get(part.file) == part.bytes

    def read(self, file: str | int, columns: Sequence[str] | None = None) -> pa.Table:
        path = self.path(file) if isinstance(file, int) else self.folder / file
        return files.read_table(path, columns)

    def dataset(self) -> "ds.Dataset":
        """All partitions as one pyarrow dataset, for filtered and columnar reads."""
        import pyarrow.dataset as ds  # loads pandas where that is installed: half a second for every command

        manifest = self.manifest()
        paths = [self.folder / part.file for part in manifest.partitions] if manifest else []
        if (stored := store.of(self.folder)) is None:
            return ds.dataset(paths, schema=self.schema, format="parquet")
        system, top = stored.ask(lambda *asked: asked)
        keys = [f"{top}/{path.name}" for path in paths]
        return ds.dataset(keys, schema=self.schema, format="parquet", filesystem=system)

    def manifest(self) -> Manifest | None:
        try:
            return Manifest.from_json(json.loads(files.read_text(self.folder / "_manifest.json")))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{self.folder}/_manifest.json: not a manifest ({error}): delete it to rebuild the stage"
            ) from None

    @property
    def begun(self) -> bool:
        """Whether a run is at work on the table, or was interrupted there."""
        return files.exists(self.folder / "_journal.jsonl")

    def finished(self) -> list[Part]:
        """The partitions that are marked done, by the manifest or by an unfinished run's journal."""
        manifest = self.manifest()
        if manifest is not None:
            return list(manifest.partitions)
        try:
            lines = files.read_bytes(self.folder / "_journal.jsonl").split(b"\n")
        except FileNotFoundError:
            return []
        try:
            # A killed run may leave its last line cut short: it was not marked.
            return [Part.from_json(json.loads(line)) for line in lines[:-1]]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{self.folder}/_journal.jsonl: not a journal ({error}): delete it to rebuild the stage"
            ) from None

    @contextmanager
    def journal(self, parts: Iterable[Part]) -> Iterator["Journal"]:
        """Takes the manifest's place for the time of a run; starts with the partitions that stay."""
        self.folder.mkdir(parents=True, exist_ok=True)
        files.clean(self.folder)
        path = self.folder / "_journal.jsonl"
        files.write_text(path, "".join(_line(part) for part in parts))
        files.remove(self.folder / "_manifest.json")
        with path.open("a", encoding="utf-8") as file:
            try:
                yield Journal(path, file.fileno())
            finally:
                files.put(path)

    def publish(self, manifest: Manifest) -> None:
        files.write_json(self.folder / "_manifest.json", manifest.as_json())
        files.remove(self.folder / "_journal.jsonl")


@dataclass
class Journal:
    path: Path
    handle: int
    put_at: float = 0.0

    def mark(self, part: Part) -> None:
        """Marks a partition done; what it names is already on disk. A store, where a journal is put anew as a
        whole, hears of it after seconds: what a kill loses of it is made again."""
        os.write(self.handle, _line(part).encode())
        os.fsync(self.handle)
        if time.monotonic() - self.put_at > PUT_EVERY_S:
            files.put(self.path)
            self.put_at = time.monotonic()


class Corpus:
    """The directory and its recipe."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def open(cls, root: Path) -> "Corpus":
        corpus = cls(root)
        if not corpus.has_recipe:
            what = "is not a corpus: it has no recipe.toml" if root.exists() else "does not exist"
            raise UserError(f"{root}: {what}; `webtext crawl {root} --links …` makes one")
        return corpus

    @property
    def name(self) -> str:
        return self.root.resolve().name

    @property
    def place(self) -> str:
        """The directory as the user named it, or its address in an object store."""
        return store.named(str(self.root))

    @property
    def has_recipe(self) -> bool:
        """Raises UserError where there is not even a bucket."""
        if files.exists(self.root / "recipe.toml"):
            return True
        if (stored := store.of(self.root)) is not None:
            stored.require_bucket()
        return False

    def table(self, name: str) -> Table:
        return Table(name, self.root / name, TABLES[name])

    def recipe(self) -> "Recipe":
        from webtext import recipe  # whose library workers that need no recipe do not wait for

        return recipe.load(files.here(self.root / "recipe.toml"))

    def freeze(self, wanted: "Recipe") -> None:
        header = "# The resolved recipe of this corpus. Change a value with --set, not here.\n"
        files.write_text(self.root / "recipe.toml", header + wanted.to_toml())

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One writer at a time. The lock is the kernel's: it ends with its process, however that ends. In an
        object store it is a lease."""
        files.make_folder(self.root)
        with lease.held(self.root), self._lock_file() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                owner = file.read().strip() or "another process"
                raise UserError(
                    f"{self.root}: {owner} is writing to this corpus; wait for it to end, or stop it"
                ) from None
            file.truncate(0)
            file.write(f"process {os.getpid()}")
            file.flush()
            yield

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Nobody writes to the corpus meanwhile; one that cannot be written to needs no lock."""
        if store.of(self.root) is None and not os.access(self.root, os.W_OK):
            yield
            return
        with self.lock():
            yield

    def _lock_file(self) -> IO[str]:
        try:
            return (self.root / ".lock").open("a+")
        except OSError as error:
            if error.errno in files.DISK_FULL:
                raise
            raise UserError(
                f"{self.root}: cannot be written to ({error.strerror}): work on a copy, or make it writable"
            ) from None


def partition_name(partition: int) -> str:
    return f"part-{partition:05d}.parquet"


def _line(part: Part) -> str:
    return json.dumps(part.as_json(), ensure_ascii=False) + "\n"
