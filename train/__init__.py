"""The GPT-2 trainer: token files in, a run directory out.

Read it in this order: `settings` (what is asked), `corpus` and `data` (what is read, in which order),
`model`, `optimizer` (and `muon`), `training` (one step) and `loop` (from step to step; `device`, `ranks` and
`parallel` are what it runs on, `prepare` and `compiled` what is checked before, `journal` the log), `spikes`,
`checkpoint` and `rundir` (what is kept), `evaluate`, `pretrained` and `sample`, `report`, `huggingface`.
Nothing here imports the rest of the toolkit: token files and a tokenizer are enough.
"""

import os

# Before torch is imported: OpenMP threads sleep at a barrier instead of spinning. On two cores that other
# processes use too, spinning made a step of the demo 2 to 5 times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# What cuBLAS wants to hear before it adds in the same order every time.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
