"""The overlap of test sets with a corpus, in 8-grams (GPT-2 paper, §4).

test files (texts) → 8-grams (ngrams) → looked up exactly (lookup) or in Bloom filters (bloom) → Table 6
(report); contamination finds the documents that hold an example.
"""
