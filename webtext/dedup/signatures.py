"""Signatures: what duplicate detection needs to know of each surviving document."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, repeat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext import schemas
from webtext.batching import batches
from webtext.dedup.minhash import Signatures, band_hashes, signatures
from webtext.dedup.normalise import normalise, text_hash
from webtext.dedup.shingles import Hashes, distinct, shingle_hashes
from webtext.reasons import KEEP
from webtext.sections import Dedup

BATCH_BYTES = 256_000  # of text hashed at once: what stays in a core's cache


def schema(settings: Dedup) -> pa.Schema:
    """The columns that these settings ask for."""
    return schemas.signatures(settings.bands if "near" in settings.methods else 0)


def sign(documents: Iterable[pa.RecordBatch], links: pa.Table, settings: Dedup) -> Iterator[pa.Table]:
    """A row of `schema(settings)` for each document whose verdict is keep, a table per batch.

    Batches have id, text and verdict; `links` has id, first_posted and karma.
    """
    wanted, fold = schema(settings), frozenset(settings.fold)
    for batch in documents:
        kept = batch.filter(pc.equal(batch["verdict"], KEEP))
        posted = links.take(pc.index_in(kept["id"], links["id"].combine_chunks()))
        texts = kept["text"].fill_null("").to_pylist()
        normalised = [normalise(text, fold) for text in texts]
        columns = {
            "id": kept["id"],
            "text_hash": pa.array(map(text_hash, texts, normalised, repeat(fold)), pa.binary(16)),
            "first_posted": posted["first_posted"],
            "karma": posted["karma"],
            "signature": pa.nulls(len(texts), pa.list_(pa.uint32())),
        }
        if "near" in settings.methods:
            columns |= _near(normalised, settings)
        yield pa.table(columns, schema=wanted)


def shingle_sets(normalised: Sequence[bytes], words: int) -> Iterator[Hashes]:
    """Each text's shingles as a sorted array without repetitions."""
    for group in batches(normalised, BATCH_BYTES):
        hashes, offsets = distinct(*shingle_hashes(group, words))
        for begin, end in pairwise(offsets.tolist()):
            yield hashes[begin:end]


def _near(normalised: Sequence[bytes], settings: Dedup) -> dict[str, pa.Array]:
    signed = _signatures(normalised, settings)
    wordless = np.array([not text for text in normalised], np.bool_)
    banded = band_hashes(signed, settings.bands, settings.rows)
    columns = {
        schemas.band_column(band): pa.array(banded[:, band], mask=wordless) for band in range(settings.bands)
    }
    entries = list(signed) if settings.verify == "signature" else [None] * len(signed)
    return columns | {"signature": pa.array(entries, pa.list_(pa.uint32()))}


def _signatures(normalised: Sequence[bytes], settings: Dedup) -> Signatures:
    made = [np.empty((0, settings.permutations), np.uint32)]
    for group in batches(normalised, BATCH_BYTES):
        made.append(signatures(*shingle_hashes(group, settings.shingle_words), settings.permutations))
    return np.concatenate(made)
