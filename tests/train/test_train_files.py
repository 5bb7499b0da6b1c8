import errno
from pathlib import Path

import pytest

from train import files


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_names_the_file_that_it_did_not_hold(tmp_path: Path) -> None:
    (tmp_path / ".report.html.tmp").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"report\.html") as raised:
        files.write(tmp_path / "report.html", "text")
    assert raised.value.errno == errno.ENOSPC
