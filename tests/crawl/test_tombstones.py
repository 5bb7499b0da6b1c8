"""removed.jsonl as a disk may have damaged it."""

import json
from pathlib import Path

import pytest

from webtext.crawl import tombstones
from webtext.errors import UserError

STONE = {"kind": "url", "value": "http://a.example/", "at": "2026-01-01", "why": "asked for"}


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(STONE).encode()[:-5],
        json.dumps(STONE | {"kind": "urn"}).encode(),
        json.dumps(STONE | {"value": ["http://a.example/"]}).encode(),
        json.dumps(STONE).encode().replace(b"asked", b"\xe1sked"),
        json.dumps(STONE | {"value": "http://ä.example/"}).encode(),
        json.dumps(STONE | {"kind": "domain", "value": "ä.example"}).encode(),
        b"[" * 100_000,
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    (tmp_path / tombstones.FILE).write_bytes(json.dumps(STONE).encode() + b"\n" + line + b"\n")
    with pytest.raises(UserError, match=r"removed\.jsonl:2: not a tombstone"):
        tombstones.load(tmp_path)
