"""The compiled scanner's own arguments; what it finds is in test_glance.py."""

import pytest

_scan = pytest.importorskip(
    "webtext.links._scan", reason="the scanner was not compiled", exc_type=ImportError
)


def test_buffers_of_another_size_than_the_rules_need_are_refused() -> None:
    with pytest.raises(ValueError, match="limits"):
        _scan.scan(
            memoryview(b"{}\n"), bytearray(8), bytearray(24), bytearray(56), bytearray(4), bytearray(8)
        )
