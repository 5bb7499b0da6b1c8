"""A corpus is a directory, on a disk or in an object store: a frozen recipe, a folder per table, a lock."""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote
from typing import IO, TYPE_CHECKING

from webtext import damage, files, lease, schemas, store
from webtext.errors import UserError
from webtext.table import Table

if TYPE_CHECKING:
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

LOCK = ".lock"
# What a crawl that was stopped at once may have left: a directory with no more than this is nobody else's.
BEGUN = (LOCK, "links")
RUN_CONFIG = "config.toml"  # of a run; see train/rundir.py
PUT_BACK = (
    "put a copy of it there; shards/README.md shows the recipe, but for crawl.user_agent, contact and proxy"
)


def strange(names: Iterable[str]) -> list[str]:
    """Those that no crawl leaves that was stopped in its first moments; killed while it froze its recipe, it
    leaves the half of it."""
    half = re.compile(rf"\.recipe\.toml\.\d+{re.escape(store.TEMPORARY)}")
    return [name for name in names if name not in BEGUN and not half.fullmatch(name)]


class Corpus:
    """The directory and its recipe."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def open(cls, root: Path) -> "Corpus":
        """Raises UserError where there is no corpus, which says what is there."""
        corpus = cls(root)
        if corpus.has_recipe:
            return corpus
        names = files.names(root)
        if RUN_CONFIG in names:
            raise UserError(f"{root}: a run of `webtext train`, not a corpus; name its corpus")
        corpus.require_no_tables()
        if root.is_file() or strange(names):
            raise UserError(f"{root}: is not a corpus: it has no recipe.toml; name the directory of one")
        what = "is not a corpus: it has no recipe.toml" if root.exists() else "does not exist"
        raise UserError(f"{root}: {what}; `webtext crawl {corpus.quoted} --links …` makes one")

    def require_no_tables(self) -> None:
        """Raises UserError where stages have run by a recipe that is gone: it is a corpus all the same."""
        if files.exists(self.root / "links" / "_manifest.json"):
            raise UserError(f"{self.root}: a corpus that lost its recipe.toml: {PUT_BACK}")

    @property
    def name(self) -> str:
        return self.root.resolve().name

    @property
    def place(self) -> str:
        """The directory as the user named it, or its address in an object store."""
        return store.named(str(self.root))

    @property
    def quoted(self) -> str:
        """The place as a word of a command line."""
        return quote(self.place)

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
        """Raises UserError for one that was cut short: what it lacks would be another recipe's, unsaid."""
        from webtext import recipe  # whose library workers that need no recipe do not wait for

        path = self.root / "recipe.toml"
        found = recipe.load(files.here(path))
        if "dtype" not in found.tokens.model_fields_set:  # its last key, of all that `freeze` writes
            raise UserError(f"{path}: was cut short, it has no tokens.dtype: {PUT_BACK}")
        return found

    def freeze(self, wanted: "Recipe") -> None:
        header = "# The resolved recipe of this corpus. Change a value with --set, not here.\n"
        with files.whole(self.root / "recipe.toml") as temporary:
            if "@" in wanted.crawl.proxy:  # a password
                temporary.touch(0o600)
            temporary.write_text(header + wanted.to_toml(), "utf-8")

    def unfreeze(self) -> None:
        """Takes the recipe back of a corpus that has nothing else yet."""
        files.remove(self.root / "recipe.toml")
        with suppress(OSError):  # it holds what was read, and what Reddit or a bucket was asked for
            (self.root / "links").rmdir()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One writer at a time. The lock is the kernel's: it ends with its process, however that ends. In an
        object store it is a lease."""
        new = [path for path in (self.root, *self.root.parents) if not path.exists()]
        files.make_folder(self.root)
        with self._alone() as file:
            files.clean(self.root)
            file.write(f"process {os.getpid()}")
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)
                if new and [path.name for path in self.root.iterdir()] == [LOCK]:
                    self._unmake(new)

    @contextmanager
    def _alone(self) -> Iterator[IO[str]]:
        """The lock's file, in which its holder may write his name for those who are refused."""
        with lease.held(self.root), self._lock_file() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not os.fstat(file.fileno()).st_nlink:
                    raise BlockingIOError  # of one that has just been refused, and took its directory along
            except BlockingIOError:
                file.seek(0)
                owner = file.read().strip()
                does = f"{owner} is writing to" if owner else "another process is reading"
                raise UserError(f"{self.root}: {does} this corpus; wait for it to end, or stop it") from None
            if file.tell():  # the name of one that was killed
                file.truncate(0)
            yield file

    def _unmake(self, folders: Iterable[Path]) -> None:
        """Removes the directory of a corpus of which nothing came, and those that were made for it."""
        (self.root / LOCK).unlink()
        with suppress(OSError):  # somebody put something there
            for folder in folders:
                folder.rmdir()

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Keeps everybody from writing to the corpus while the block runs, this process too. One that cannot
        be written to needs no lock."""
        if store.of(self.root) is not None:
            files.make_folder(self.root)  # of a machine that has nothing of the corpus yet
        elif not os.access(self.root, os.W_OK):
            yield
            return
        with self._alone():
            yield

    def _lock_file(self) -> IO[str]:
        try:
            return (self.root / LOCK).open("a+")
        except OSError as error:
            if error.errno in damage.DISK_FULL:
                raise
            raise UserError(
                f"{self.root}: cannot be written to ({error.strerror}): work on a copy, or make it writable"
            ) from None
