"""Which partition a link belongs to: by its registered domain, so that one host is one worker's business.

A partition is the top bits of the domain's hash, so that halving or doubling the number of partitions
joins or splits neighbours.
"""

import xxhash

ROWS = 8192  # aimed at, per partition
MIN_PARTITIONS, MAX_PARTITIONS = 16, 65_536


def domain_hash(domain: str) -> int:
    """64 bits, of which a partition is the top ones."""
    return xxhash.xxh3_64_intdigest(domain.encode("ascii"))


def partition_of(domain: str, partitions: int) -> int:
    """The partition of a registered domain, 0 … partitions - 1; `partitions` is a power of two."""
    return domain_hash(domain) >> (65 - partitions.bit_length())


def partitions_ever(domain: str) -> set[int]:
    """The partitions that a registered domain is in or was, whatever their number."""
    bits = range(MIN_PARTITIONS.bit_length() - 1, MAX_PARTITIONS.bit_length())
    return {partition_of(domain, 1 << bit) for bit in bits}


def partitions_for(rows: int) -> int:
    """How many partitions so many submissions need: a power of two."""
    needed = 1 << max(-(-rows // ROWS) - 1, 0).bit_length()
    return min(max(needed, MIN_PARTITIONS), MAX_PARTITIONS)
