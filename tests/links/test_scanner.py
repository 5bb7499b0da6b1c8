"""The compiled scanner: optional for users without a compiler, not for those with one."""

import shutil

import pytest

from webtext.links.glance import scan


@pytest.mark.skipif(shutil.which("cc") is None and shutil.which("gcc") is None, reason="no C compiler")
def test_the_scanner_is_built_where_there_is_a_compiler() -> None:
    assert scan is not None, "pip install built no webtext.links._scan: see its output with -v"


@pytest.mark.skipif(scan is None, reason="the scanner was not compiled")
def test_buffers_of_another_size_than_the_rules_need_are_refused() -> None:
    with pytest.raises(ValueError, match="limits"):
        scan(memoryview(b"{}\n"), bytearray(8), bytearray(24), bytearray(56), bytearray(4), bytearray(8))
