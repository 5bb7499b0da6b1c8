"""Links: which submissions are selected, and the one canonical URL that each of them means.

sources → posts (readers, posts) → selected ones (selection, canonical) → links (superseding, merging)
"""

from webtext.links.partitions import partition_of

__all__ = ["partition_of"]
