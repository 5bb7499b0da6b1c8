"""A corpus is a directory: a frozen recipe, a folder per table, a lock.

A table is a folder of partitions with a `_manifest.json` that is written last. While a stage runs, the
finished partitions stand in `_journal.jsonl`, one line each; the manifest takes their place at the end.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from webtext import files, recipe, schemas
from webtext.errors import UserError
from webtext.recipe import Recipe

if TYPE_CHECKING:
    import pyarrow.dataset as ds

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
        return recipe.fingerprint([part.hash for part in self.partitions])

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

    def holds(self, part: Part) -> bool:
        """Whether a partition's file is there, as long as it was when it was marked done."""
        try:
            return (self.folder / part.file).stat().st_size == part.bytes
        except FileNotFoundError:
            return False

    def read(self, file: str | int, columns: Sequence[str] | None = None) -> pa.Table:
        path = self.path(file) if isinstance(file, int) else self.folder / file
        return pq.read_table(path, columns=None if columns is None else list(columns), partitioning=None)

    def dataset(self) -> "ds.Dataset":
        """All partitions as one pyarrow dataset, for filtered and columnar reads."""
        import pyarrow.dataset as ds  # loads pandas where that is installed: half a second for every command

        manifest = self.manifest()
        names = [part.file for part in manifest.partitions] if manifest else []
        return ds.dataset([self.folder / name for name in names], schema=self.schema, format="parquet")

    def manifest(self) -> Manifest | None:
        try:
            return Manifest.from_json(json.loads((self.folder / "_manifest.json").read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{self.folder}/_manifest.json: not a manifest ({error}): delete it to rebuild the stage"
            ) from None

    @property
    def begun(self) -> bool:
        """Whether a run is at work on the table, or was interrupted there."""
        return (self.folder / "_journal.jsonl").exists()

    def finished(self) -> list[Part]:
        """The partitions that are marked done, by the manifest or by an unfinished run's journal."""
        manifest = self.manifest()
        if manifest is not None:
            return list(manifest.partitions)
        try:
            lines = (self.folder / "_journal.jsonl").read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        try:
            # A killed run may leave its last line cut short: it was not marked.
            return [Part.from_json(json.loads(line)) for line in lines if line.endswith(b"\n")]
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
        (self.folder / "_manifest.json").unlink(missing_ok=True)
        with path.open("a", encoding="utf-8") as file:
            yield Journal(self, file.fileno())

    def publish(self, manifest: Manifest) -> None:
        files.write_json(self.folder / "_manifest.json", manifest.as_json())
        (self.folder / "_journal.jsonl").unlink(missing_ok=True)


@dataclass(frozen=True)
class Journal:
    table: Table
    handle: int

    def mark(self, part: Part) -> None:
        """Marks a partition done; what it names is already on disk."""
        os.write(self.handle, _line(part).encode())
        os.fsync(self.handle)


class Corpus:
    """The directory and its recipe."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def open(cls, root: Path) -> "Corpus":
        if not (root / "recipe.toml").is_file():
            what = "does not exist" if not root.exists() else "is not a corpus: it has no recipe.toml"
            raise UserError(f"{root}: {what}; `webtext crawl {root} --links …` makes one")
        return cls(root)

    @property
    def name(self) -> str:
        return self.root.resolve().name

    def table(self, name: str) -> Table:
        return Table(name, self.root / name, TABLES[name])

    def recipe(self) -> Recipe:
        return recipe.load(self.root / "recipe.toml")

    def freeze(self, wanted: Recipe) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        header = "# The resolved recipe of this corpus. Change a value with --set, not here.\n"
        files.write_text(self.root / "recipe.toml", header + wanted.to_toml())

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One writer at a time. The lock is the kernel's: it ends with its process, however that ends."""
        files.make_folder(self.root)
        with (self.root / ".lock").open("a+") as file:
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


def partition_name(partition: int) -> str:
    return f"part-{partition:05d}.parquet"


def _line(part: Part) -> str:
    return json.dumps(part.as_json(), ensure_ascii=False) + "\n"
