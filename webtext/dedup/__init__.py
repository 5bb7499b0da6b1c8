"""Duplicates: which documents are copies of which, exact or near.

text → words (normalise) → hashes of runs of words (shingles) → MinHash and bands (minhash, signatures) →
pairs (candidates), compared (verify) → clusters (resolve), in the order in which documents are kept
(order). recall says what the bands find, paragraphs are what a domain repeats, difference shows a pair to a
person.
"""
