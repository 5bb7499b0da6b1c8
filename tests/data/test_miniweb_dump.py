"""The dump of the mini web is a dump as Reddit's are."""

import io
from pathlib import Path

import pytest
import zstandard

from data.miniweb import MiniWeb, write_dump


@pytest.fixture(scope="module")
def dump(web: MiniWeb, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dump") / "RS_demo.zst"
    write_dump(web, path)
    return path


def test_the_frame_declares_a_window_of_two_gibibytes(dump: Path) -> None:
    assert zstandard.get_frame_parameters(dump.read_bytes()).window_size == 2**31


def test_a_reader_with_default_limits_refuses_it(dump: Path) -> None:
    with pytest.raises(zstandard.ZstdError, match="too much memory"):
        zstandard.ZstdDecompressor().stream_reader(io.BytesIO(dump.read_bytes())).read()


def test_it_holds_one_submission_per_line(dump: Path, web: MiniWeb) -> None:
    reader = zstandard.ZstdDecompressor(max_window_size=2**31)
    text = reader.stream_reader(io.BytesIO(dump.read_bytes())).read()
    assert text.splitlines() == web.submissions
    assert text.endswith(b"\n")


def test_the_same_mini_web_gives_the_same_bytes(dump: Path, web: MiniWeb, tmp_path: Path) -> None:
    write_dump(web, tmp_path / "again.zst")
    assert (tmp_path / "again.zst").read_bytes() == dump.read_bytes()


def test_nothing_is_left_beside_it(dump: Path) -> None:
    assert [path.name for path in dump.parent.iterdir()] == ["RS_demo.zst"]
