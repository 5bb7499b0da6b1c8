"""The documentation inside this machine's own Python, read without running any of it.

Docstrings of modules written in Python are taken from their compiled code, which is loaded and never
executed: no import, so no side effects, whatever the module would do (open a browser, a window, a file).
Modules written in C have no code to read; those in `COMPILED` are safe to import and are asked directly.
"""

import importlib
import sysconfig
import types
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import NamedTuple

SKIPPED_FOLDERS = frozenset(
    [
        "test",
        "tests",
        "idle_test",
        "site-packages",
        "dist-packages",
        "__pycache__",
        "_bundled",
        "encodings",
        "pydoc_data",
    ]
)
SKIPPED_MODULES = frozenset(["antigravity", "this", "__phello__", "__hello__"])

COMPILED = (
    "builtins", "math", "cmath", "itertools", "time", "sys", "gc", "errno", "marshal", "posix", "array",
    "zlib", "select", "mmap", "signal", "unicodedata", "atexit", "binascii", "faulthandler", "fcntl",
    "pwd", "grp", "resource", "syslog", "termios", "_abc", "_asyncio", "_bisect", "_blake2", "_bz2",
    "_codecs", "_collections", "_contextvars", "_csv", "_ctypes", "_datetime", "_decimal", "_elementtree",
    "_functools", "_hashlib", "_heapq", "_imp", "_io", "_json", "_locale", "_lsprof", "_lzma", "_opcode",
    "_operator", "_pickle", "_posixsubprocess", "_queue", "_random", "_socket", "_sqlite3", "_sre",
    "_ssl", "_stat", "_statistics", "_string", "_struct", "_symtable", "_thread", "_tracemalloc", "_uuid",
    "_warnings", "_weakref", "_xxsubinterpreters", "_zoneinfo", "pyexpat",
)  # fmt: skip


TOPIC = "help:"  # begins the module name of a topic of `help()`


class Doc(NamedTuple):
    """One docstring: the module it is in, the dotted name of what it documents ("" for the module)."""

    module: str
    name: str
    text: str


def library_docs() -> Iterator[Doc]:
    """Every docstring of the standard library, in one order for one Python version.

    Modules that this Python lacks, or whose files cannot be read, are simply absent.
    """
    for path, module in _library_files():
        try:
            code = SourceFileLoader(module, str(path)).get_code(module)
        except (ImportError, SyntaxError, ValueError, OSError):
            continue
        if code is not None:
            yield from _docs_of_code(module, "", code)
    for name in COMPILED:
        yield from _docs_of_compiled(name)


def topic_docs() -> Iterator[Doc]:
    """The topics of `help()`: chapters of the language reference as plain text."""
    try:
        topics = importlib.import_module("pydoc_data.topics").topics
    except ImportError:
        return
    for name in sorted(topics):
        yield Doc(TOPIC + name, "", topics[name])


def _library_files() -> list[tuple[Path, str]]:
    return sorted(_files_under(Path(sysconfig.get_path("stdlib")), ""), key=lambda item: item[1])


def _files_under(folder: Path, package: str) -> Iterator[tuple[Path, str]]:
    """The modules of a folder and of the packages in it: (file, dotted name)."""
    for path in folder.iterdir():
        if path.is_dir():
            if path.name.isidentifier() and path.name not in SKIPPED_FOLDERS:
                yield from _files_under(path, f"{package}{path.name}.")
        elif path.suffix == ".py" and path.stem.isidentifier() and path.stem not in SKIPPED_MODULES:
            yield path, package.rstrip(".") if path.stem == "__init__" else package + path.stem


def _docs_of_code(module: str, name: str, code: types.CodeType) -> Iterator[Doc]:
    text = _docstring(code, is_module=not name)
    if text:
        yield Doc(module, name, text)
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType) and inner.co_name.isidentifier():
            yield from _docs_of_code(module, f"{name}.{inner.co_name}".lstrip("."), inner)


def _docstring(code: types.CodeType, is_module: bool) -> str | None:
    """The docstring that running `code` would bind: where the compiler of 3.11 to 3.14 puts it."""
    is_function = bool(code.co_flags & 0x02)  # CO_NEWLOCALS
    if is_function:
        first: object = code.co_consts[0] if code.co_consts else None
        return first if isinstance(first, str) else None
    if is_module:
        if code.co_names[:1] != ("__doc__",):
            return None
        return next((c for c in code.co_consts[:1] if isinstance(c, str)), None)
    if "__doc__" not in code.co_names[:6]:
        return None
    return next((c for c in code.co_consts[1:4] if isinstance(c, str)), None)


def _docs_of_compiled(name: str) -> Iterator[Doc]:
    try:
        module = importlib.import_module(name)
    except ImportError:
        return
    public = name.lstrip("_")
    yield from _doc(public, "", module)
    for key, value in vars(module).items():
        if isinstance(value, type) and value.__module__.lstrip("_") in (public, "builtins", "os"):
            yield from _doc(public, key, value)
            for attribute, member in vars(value).items():
                yield from _doc(public, f"{key}.{attribute}", member)
        elif isinstance(value, types.BuiltinFunctionType):
            yield from _doc(public, key, value)


def _doc(module: str, name: str, documented: object) -> Iterator[Doc]:
    text = getattr(documented, "__doc__", None)
    if isinstance(text, str) and text and text != type(documented).__doc__:
        yield Doc(module, name, text)


def all_docs() -> Iterator[Doc]:
    """Topics and library together."""
    yield from topic_docs()
    yield from library_docs()
