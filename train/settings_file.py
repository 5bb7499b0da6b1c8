"""Settings from TOML and `--set section.key=value`, and back."""

import dataclasses
import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path

from train.errors import TrainError, why
from train.settings import DataSettings, ModelSettings, Settings, TrainSettings, check

SECTIONS = {"model": ModelSettings, "data": DataSettings, "train": TrainSettings}
HOMES = {key.name: name for name, section in SECTIONS.items() for key in dataclasses.fields(section)}


def load(name_or_file: str | Path, sets: Sequence[str] = (), init_from: str = "") -> Settings:
    """The settings of a shipped config (`"demo"`) or a TOML file, with `section.key=value` overrides;
    `init_from`, if given, is `train.init_from`.

    Raises TrainError for a missing file, broken TOML, an unknown key (naming the nearest), a wrong type
    or an impossible value.
    """
    source, document = _read(name_or_file)
    assigned = [_assignment(text) for text in sets]
    if init_from:
        assigned.append(("train", "init_from", init_from))
    for section, key, value in assigned:
        document.setdefault(section, {})
        _table(document, section, source)[key] = value
    return _parse(document, f"{source} with --set" if sets else source)


def _parse(document: Mapping[str, object], source: str) -> Settings:
    """Settings from a TOML document's tables; keys that are absent keep their defaults."""
    for name in document:
        _known(name, SECTIONS, f"section [{name}] in {source}", prefix="")
        _table(document, name, source)
    sections = {name: _section(name, document.get(name, {}), source) for name in SECTIONS}
    settings = Settings(**sections)  # type: ignore[arg-type]
    check(settings, source)
    return settings


def _table(document: Mapping[str, object], name: str, source: str) -> dict[str, object]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise TrainError(f"{source}: {name} must be a section [{name}], not {table!r}")
    return table


def to_toml(settings: Settings) -> str:
    """The settings as TOML that `load` reads back to an equal value."""
    lines: list[str] = []
    for section, table in dataclasses.asdict(settings).items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {toml_value(value)}" for key, value in table.items()]
        lines.append("")
    return "\n".join(lines)


def one_line_each(settings: Settings) -> str:
    """The settings as TOML again, a section a line."""
    tables = dataclasses.asdict(settings).items()
    lines = (
        (name, ", ".join(f"{key} = {toml_value(value)}" for key, value in table.items()))
        for name, table in tables
    )
    return "\n".join(f"{name} = {{ {pairs} }}" for name, pairs in lines)


def toml_value(value: object) -> str:
    """A setting's value as TOML, and `--set`, have it."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _read(name_or_file: str | Path) -> tuple[str, dict[str, dict[str, object]]]:
    shipped = {
        entry.name.removesuffix(".toml"): entry
        for entry in (resources.files("train") / "configs").iterdir()
        if entry.name.endswith(".toml")
    }
    path = Path(name_or_file)
    if path.suffix != ".toml" and not path.is_file():
        _known(str(name_or_file), shipped, f"config {name_or_file!r}", prefix="")
        text, source = shipped[str(name_or_file)].read_text(encoding="utf-8"), f"config {name_or_file}"
    else:
        try:
            text, source = path.read_text(encoding="utf-8-sig"), str(path)  # some editors' byte order mark
        except (OSError, UnicodeDecodeError) as error:
            known = ", ".join(sorted(shipped))
            line = f"cannot read the config {path} ({why(error)}): name a TOML file, or one of {known}"
            raise TrainError(line) from None
    try:
        return source, tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or brackets in brackets
        raise TrainError(f"{source} is not TOML: {error}") from None


def _assignment(text: str) -> tuple[str, str, object]:
    """`train.lr=1e-3` → ("train", "lr", 0.001); what is not a TOML value is taken as a string."""
    name, equals, raw = text.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and key):
        raise TrainError(f"--set {text}: write it as section.key=value, for example --set train.lr=3e-4")
    _known(section, SECTIONS, f"section {section!r} in --set {text}", prefix="")
    try:
        return section, key, tomllib.loads(f"value = {raw}")["value"]
    except (ValueError, RecursionError):
        return section, key, raw.strip()


def _section(name: str, table: object, source: str) -> object:
    assert isinstance(table, dict)
    wanted = {f.name: f.type for f in dataclasses.fields(SECTIONS[name])}
    for key in table:
        home = HOMES.get(key)
        if home and key not in wanted:
            raise TrainError(f"unknown key {name}.{key} in {source}: did you mean {home}.{key}?")
        _known(key, wanted, f"key {name}.{key} in {source}", prefix=f"{name}.")
    return SECTIONS[name](
        **{key: _typed(value, wanted[key], f"{source}: {name}.{key}") for key, value in table.items()}
    )


def _typed(value: object, wanted: object, where: str) -> object:
    if wanted is float and type(value) is int:
        return float(str(value))  # inf where float(value) would overflow
    if type(value) is not wanted:
        names = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}
        raise TrainError(f"{where} must be {names[wanted]}, not {value!r}")  # type: ignore[index]
    return value


def _known(name: str, among: Iterable[str], what: str, *, prefix: str) -> None:
    names = sorted(among)
    if name not in names:
        near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
        hint = f"did you mean {prefix}{near[0]}?" if near else f"known are {', '.join(names)}"
        raise TrainError(f"unknown {what}: {hint}")
