"""What `webtext remove` took out of a corpus: `removed.jsonl`, a line per URL or registered domain.

A tombstone outlives every table: whatever is crawled or built later leaves out what it names.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import pyarrow as pa

from webtext import files
from webtext.errors import UserError
from webtext.links.canonical import Rejected, canonicalise, link_id, registered_domain

FILE = "removed.jsonl"

Kind = Literal["url", "domain"]


@dataclass(frozen=True)
class Tombstone:
    """`value` is a canonical URL or a registered domain; `at` a day, UTC."""

    kind: Kind
    value: str
    at: str
    why: str

    @property
    def domain(self) -> str:
        """The registered domain that it is on, or that it names."""
        return self.value if self.kind == "domain" else registered_domain(self.value)

    @property
    def sentence(self) -> str:
        """Why and when, as a row's detail says it."""
        return f"{self.why}, {self.at}"


class Tombstones:
    """Those of one corpus, in the order in which they were set; the first that names a thing counts."""

    def __init__(self, stones: Iterable[Tombstone] = ()) -> None:
        self._of = {"url": dict[str, Tombstone](), "domain": dict[str, Tombstone]()}
        for stone in stones:
            self._of[stone.kind].setdefault(stone.value, stone)

    def __iter__(self) -> Iterator[Tombstone]:
        yield from self._of["url"].values()
        yield from self._of["domain"].values()

    def __bool__(self) -> bool:
        return any(self._of.values())

    def __contains__(self, stone: Tombstone) -> bool:
        return stone.value in self._of[stone.kind]

    @cached_property
    def ids(self) -> pa.Array:
        """Of the links that are named one by one."""
        return pa.array([link_id(url) for url in self._of["url"]], pa.string())

    @property
    def domains(self) -> list[str]:
        return list(self._of["domain"])

    def on(self, url: str) -> Tombstone | None:
        """The tombstone of a canonical URL, or of its domain."""
        found = self._of["url"].get(url)
        if found is None and self._of["domain"]:
            found = self._of["domain"].get(registered_domain(url))
        return found

    def on_page(self, url: str, final_url: str | None) -> Tombstone | None:
        """The tombstone of a link, or of the address that its page came from."""
        if (found := self.on(url)) or not final_url or final_url == url:
            return found
        return self.on_address(final_url)

    def on_address(self, url: str) -> Tombstone | None:
        """The tombstone of an address as a server was asked for it, or would be."""
        try:
            return self.on(canonicalise(url))
        except Rejected:
            return None


def load(root: Path) -> Tombstones:
    """The tombstones of a corpus; raises UserError for a damaged file."""
    path = root / FILE
    try:
        lines = files.read_bytes(path).splitlines()
    except FileNotFoundError:
        return Tombstones()
    stones = []
    for number, line in enumerate(lines, 1):
        try:
            stone = Tombstone(**json.loads(line))
            named = isinstance(stone.value, str) and stone.value.isascii()  # as a canonical URL is
            if stone.kind not in get_args(Kind) or not named:
                raise ValueError(line)
            stones.append(stone)
        except (ValueError, TypeError, RecursionError):
            raise UserError(
                f"{path}:{number}: not a tombstone; restore the line, or delete it and remove its page again"
            ) from None
    return Tombstones(stones)


def add(root: Path, stones: Iterable[Tombstone]) -> list[Tombstone]:
    """Sets those that are new, on disk before this returns; returns them."""
    known = load(root)
    new = [stone for stone in stones if stone not in known]
    if new:
        lines = [json.dumps(asdict(stone), ensure_ascii=False) for stone in (*known, *new)]
        files.write_text(root / FILE, "".join(f"{line}\n" for line in lines))
    return new
