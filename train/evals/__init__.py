"""The paper's zero-shot evaluations (§3), each by its own definition and by those that others use.

`tasks` lists them; `language`, `choice` and `generation` are what they do with a model (`subject`), through
`scoring` and `generate`; `texts` and `examples` read the official files, `detokenize` undoes the texts'
tokenisation; `run` is the command, `paper` the published numbers, `plot` the picture.
"""
