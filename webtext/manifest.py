"""What a finished stage says of its table: each partition, what went in and what became of it."""

from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Any

from webtext.fingerprint import fingerprint
from webtext.tally import counted

KINDS = {"file": str, "key": str, "rows": int, "bytes": int, "hash": str, "extra": dict}  # of a partition


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

    def losses(self) -> str:
        """What was dropped, the most frequent first: "640 robots, 12 dns"."""
        most_first = sorted(self.dropped.items(), key=lambda item: (-item[1], item[0]))
        return ", ".join(f"{count:,} {reason}" for reason, count in most_first)

    def told(self, noun: str) -> str:
        """What went in and what was dropped of it: "1,079 links, 640 robots, 12 dns"."""
        return ", ".join(filter(None, [counted(self.into, noun), self.losses()]))

    def as_json(self) -> dict[str, Any]:
        dropped = dict(sorted(self.dropped.items()))
        return {"in": self.into, "out": self.out, "merged": self.merged, "dropped": dropped}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "Counts":
        found = cls(row["in"], row["out"], row["merged"], dict(row["dropped"]))
        if not all(
            isinstance(n, int) for n in (found.into, found.out, found.merged, *found.dropped.values())
        ):
            raise ValueError(f"counts that are no numbers: {found.as_json()}")
        return found


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
        part = cls(**(row | {"counts": Counts.from_json(row["counts"])}))
        if odd := [name for name, kind in KINDS.items() if not isinstance(getattr(part, name), kind)]:
            raise ValueError(f"a partition's {', '.join(odd)}")
        if PurePath(part.file).name != part.file:  # a stranger's corpus writes nowhere else
            raise ValueError(f"a partition's file outside its table: {part.file!r:.100}")
        return part


@dataclass(frozen=True)
class Manifest:
    """What `_manifest.json` holds; `extra` goes into it beside the rest. `from_json` raises KeyError,
    TypeError or ValueError for what is none."""

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
        counts = Counts.from_json({key: row.pop(key) for key in ("in", "out", "merged", "dropped")})
        return cls(**known, partitions=parts, counts=counts, extra=row)
