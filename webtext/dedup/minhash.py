"""MinHash signatures and their bands (Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets,
ch. 3). The share of equal entries of two signatures estimates the Jaccard similarity of the shingle sets
with a standard error of at most sqrt(s(1 - s) / permutations).
"""

from itertools import starmap
from struct import Struct

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from webtext.dedup.shingles import Hashes, Indices, mix

Signatures = npt.NDArray[np.uint32]  # texts × permutations

SEED = 1
# Signatures are comparable only within one version of the algorithm.
ALGORITHM = f"rensa R-MinHash {RMinHash.ALGORITHM_VERSION}, seed {SEED}"


def signatures(hashes: Hashes, offsets: Indices, permutations: int) -> Signatures:
    """A signature per text, of shingles as `shingle_hashes` gives them. That of a text without a shingle
    means nothing."""
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        np.ascontiguousarray(hashes), offsets.astype(np.uint64), permutations, SEED
    )
    pack = Struct(f"<{permutations}I").pack  # a third of the time of an array of lists
    entries = b"".join(starmap(pack, matrix.to_rows()))
    return np.frombuffer(entries, np.dtype("<u4")).reshape(len(offsets) - 1, permutations)


def band_hashes(signed: Signatures, bands: int, rows: int) -> Hashes:
    """Texts × bands: the hash of each band's entries. Texts are candidates where they agree in one."""
    entries = signed[:, : bands * rows].reshape(len(signed), bands, rows).astype(np.uint64)
    hashes = np.zeros((len(signed), bands), np.uint64)
    for row in range(rows):
        hashes += entries[:, :, row]
        mix(hashes)
    return hashes
