"""What all tests share."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# What a busy machine takes for an example says nothing about the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a script's background job, whose children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real test data, which lives beside the repository; tests that need it skip without."""
    folder = Path(os.environ.get("WEBTEXT_SHARED", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set WEBTEXT_SHARED to run this test")
    return folder
