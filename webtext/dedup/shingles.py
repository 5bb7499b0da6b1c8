"""Shingles: the runs of n consecutive words of a text, each as a 64-bit hash.

Many texts are hashed at once, because a numpy call costs as much as a thousand of its characters. The hash
is fast and even, not cryptographic: whoever forges equal shingles makes his own page a duplicate. Compiled
code (`_shingles.c`) gives the same hashes as numpy, in a quarter of the time, where it was built.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

try:
    from webtext.dedup import _shingles as compiled
except ImportError:
    compiled = None  # type: ignore[assignment]

Hashes = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]

SPACE = 0x20
CHUNK = 8  # bytes of a word hashed at a time
LONG = 32  # bytes; what follows them in a word is rare, and hashed word by word
MULTIPLIER = np.uint64(0xD6E8FEB86659FD93)
GOLDEN = 0x9E3779B97F4A7C15
HALF = np.uint64(32)
# the bytes of a little-endian integer that belong to the word
MASKS = np.array([(1 << (8 * size)) - 1 for size in range(CHUNK + 1)], np.uint64)


def shingle_hashes(normalised: Sequence[bytes], words: int) -> tuple[Hashes, Indices]:
    """All shingles of each normalised text, in order, and the offsets of each text's first: text i has
    `hashes[offsets[i]:offsets[i + 1]]`. A text shorter than a shingle has one, of all its words; a text
    without a word has none."""
    if compiled is None:
        return shingle_hashes_by_numpy(normalised, words)
    hashes = np.empty(sum(len(text) // 2 + 1 for text in normalised), np.uint64)
    offsets = np.empty(len(normalised) + 1, np.int64)
    used = compiled.shingle_hashes(list(normalised), _factors(words), hashes, offsets)
    return hashes[:used], offsets


def shingle_hashes_by_numpy(normalised: Sequence[bytes], words: int) -> tuple[Hashes, Indices]:
    """The same, without a compiler."""
    pieces = [_padded(text, words) for text in normalised]
    data = b"".join(pieces)
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == SPACE)
    begins = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    hashes = _combine(_word_hashes(data, begins, ends - begins), words)
    words_before = np.searchsorted(ends, np.cumsum([0, *map(len, pieces)]))
    # those that begin in one text and end in the next are left out
    spans = [(begin, max(begin, end - words + 1)) for begin, end in pairwise(words_before.tolist())]
    offsets = np.cumsum([0, *(end - begin for begin, end in spans)], dtype=np.int64)
    return np.concatenate([hashes[:0], *(hashes[begin:end] for begin, end in spans)]), offsets


def distinct(hashes: Hashes, offsets: Indices) -> tuple[Hashes, Indices]:
    """Each text's hashes sorted and without repetitions, and their offsets. Sorts `hashes` in place: numpy's
    `unique` of a text's few is three times as slow, because it makes a hash table first."""
    for begin, end in pairwise(offsets.tolist()):
        hashes[begin:end].sort()
    new = np.ones(len(hashes) + 1, np.bool_)
    np.not_equal(hashes[1:], hashes[:-1], out=new[1:-1])
    new[offsets] = True
    places = np.concatenate(([0], np.cumsum(new)))
    return hashes[new[:-1]], places[offsets]


def mix(hashes: Hashes) -> Hashes:
    """Spreads every bit over the whole hash, in place; a bijection."""
    hashes ^= hashes >> HALF
    hashes *= MULTIPLIER
    hashes ^= hashes >> HALF
    return hashes


def _padded(text: bytes, words: int) -> bytes:
    """The text with a space after each word, and as many empty words as it lacks for one shingle."""
    if not text:
        return b""
    present = len(text.split(b" ", words - 1))  # no more than are needed
    return text + b" " * (1 + words - present)


def _word_hashes(data: bytes, begins: Indices, lengths: Indices) -> Hashes:
    # every offset's next eight bytes as an integer, without copying
    windows: Hashes = np.ndarray((len(data) + 1,), "<u8", buffer=data + bytes(CHUNK), strides=(1,))
    hashes = windows[begins] & MASKS[np.minimum(lengths, CHUNK)]
    hashes ^= lengths.astype(np.uint64) * np.uint64(GOLDEN)
    mix(hashes)
    for at in range(CHUNK, LONG, CHUNK):
        longer = np.flatnonzero(lengths > at)
        chunk = windows[begins[longer] + at] & MASKS[np.minimum(lengths[longer] - at, CHUNK)]
        hashes[longer] = mix(hashes[longer] * np.uint64(GOLDEN) ^ chunk)
    for word in np.flatnonzero(lengths > LONG).tolist():
        begin, end = int(begins[word]), int(begins[word] + lengths[word])
        hashes[word] = _with_rest(int(hashes[word]), data[begin + LONG : end])
    return hashes


def _with_rest(hashed: int, rest: bytes) -> int:
    """The hash of a long word, of that of its first LONG bytes and the others."""
    for at in range(0, len(rest), CHUNK):
        chunk = int.from_bytes(rest[at : at + CHUNK], "little")
        hashed = hashed * GOLDEN & 2**64 - 1 ^ chunk
        hashed = (hashed ^ hashed >> 32) * int(MULTIPLIER) & 2**64 - 1
        hashed ^= hashed >> 32
    return hashed


def _combine(word_hashes: Hashes, words: int) -> Hashes:
    count = max(0, len(word_hashes) - words + 1)
    hashes = np.zeros(count, np.uint64)
    for position, factor in enumerate(_factors(words)):
        hashes += word_hashes[position : position + count] * factor
    return mix(hashes)


def _factors(words: int) -> Hashes:
    """A random odd factor for each position in a shingle, so that the order of words counts."""
    return mix(np.arange(1, words + 1, dtype=np.uint64) * np.uint64(GOLDEN)) | np.uint64(1)
