"""GPT-2's split pattern (openai/gpt-2, encoder.py): byte-pair encoding merges nothing across its pieces."""

import regex  # type: ignore[import-untyped]

PRETOKENS = regex.compile(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
