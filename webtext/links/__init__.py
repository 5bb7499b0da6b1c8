"""Links: which submissions are selected, and the one canonical URL that each of them means.

In the order of the work, which `pipelines.links` puts together:

- sources, recognition, column_types: the files that a SOURCE names, and what each is by its content
- downloads, listing, reddit: sources that are copied first, from buckets and from Reddit's API
- compressed, line_chunks, slices: a file as chunks of whole lines, or one process's share of them
- readers, posts, tables, glance: rows as posts, less those that compiled code can refuse unparsed
- selection, sifting, blocklists, codes: the recipe's rules, and the reason of each refusal
- canonical, hosts, escapes, mirrors, tracking: the URL that is meant
- spill, superseding, merging: of a submission the latest retrieval, of a URL one link with its submissions
- partitions, url_columns: which partition a link is in; which of many URLs are on some domains
"""

from webtext.links.partitions import partition_of

__all__ = ["partition_of"]
