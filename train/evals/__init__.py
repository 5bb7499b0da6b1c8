"""The paper's zero-shot evaluations (§3), each by its own definition and by those that others use.

`tasks` lists them; `language` (with `stop_words`), `choice` and `generation` are what they do with a model
(`subject`), through `scoring` and `writing`; `held_out` is a task of one's own tokens. `texts`, `questions`
and `examples` read the official files, which `hub` fetches; `detokenize` undoes the texts' tokenisation.
`run` is the command, `progress` what it shows meanwhile, `paper` the published numbers, `plot` the picture.
"""
