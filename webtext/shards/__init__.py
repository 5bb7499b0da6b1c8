"""Shards and tokens: the corpus as it is published.

kept documents → a split and a file for each (layout) → rows (rows), shuffled (shuffle) → ids (tokenizer,
encode) → token files and their index (tokens), and the dataset card (card).
"""
