"""Texts taken together, for what works best on many at once and holds all of them."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

Text = TypeVar("Text", str, bytes)


def batches(texts: Sequence[Text], enough: int) -> Iterator[list[Text]]:
    """The texts in their order; a batch ends with the one that makes it `enough` characters, or bytes."""
    batch: list[Text] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= enough:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
