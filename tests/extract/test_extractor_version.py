"""Other documents of the same pages are those of another version, by which a corpus made before is stale."""

import json
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from webtext.extract.measures import measure
from webtext.extract.page import EXTRACTOR_VERSION, MEASURES_VERSION, Page
from webtext.sections import Extract

LIBRARIES = {"trafilatura": "2.3.1", "lxml": "6.1.3", "charset-normalizer": "3.5.2", "htmldate": "1.11.0"}
VERSIONS, DOCUMENTS = (12, 3), "b8fda22e86581685"


@pytest.mark.slow
def test_real_pages_give_the_documents_of_this_version(shared: Path) -> None:
    if any(version(name) != number for name, number in LIBRARIES.items()):
        pytest.skip("with other versions of the libraries documents may differ")
    rows = pq.read_table(shared / "pages" / "pages.parquet", columns=["url", "html"]).to_pylist()[::4]
    digest = sha256()
    for row in rows:
        document = measure(
            Page(row["html"], row["url"] or "http://example.org/", latest="2026-12-31"), Extract()
        )
        document.pop("language_score", None)  # a model's: processors differ in its last digits
        digest.update(json.dumps(document, sort_keys=True).encode())
    found = ((EXTRACTOR_VERSION, MEASURES_VERSION), digest.hexdigest()[:16])
    assert found == (VERSIONS, DOCUMENTS), (
        "where documents have changed, raise EXTRACTOR_VERSION or MEASURES_VERSION, then write both down here"
    )
