"""Columns of URLs, without a look at each in Python: a crawl has tens of millions."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from webtext.links.hosts import registered_domain

ORIGIN = r"^(?P<origin>[^/]*//[^/?#]*)"  # scheme, host and port


def on_domains(urls: pa.ChunkedArray, domains: Collection[str]) -> pa.ChunkedArray:
    """Which of the URLs are on one of these registered domains."""
    origins = pc.struct_field(pc.extract_regex(urls, ORIGIN), "origin")
    wanted, different = set(domains), pc.drop_null(pc.unique(origins)).to_pylist()
    there = [origin for origin in different if registered_domain(origin) in wanted]
    return pc.is_in(origins, pa.array(there, pa.string()))
