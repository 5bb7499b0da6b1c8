"""The GPT-2 trainer: token files in, a run directory out.

Read it in this order:

- `settings` (what is asked; `settings_file` reads it), `corpus` and `data` (which tokens, in which order;
  `token_index` and `census` check them), `model`, `optimizer` (and `muon`, `loss_scale`)
- `training` (one step) and `loop` (from step to step): `device`, `ranks` and `parallel` are what they run
  on, `prepare` and `compiled` what is checked before, `memory`, `spikes` and `stopping` what ends a run
  early, `rehearsal` a dry run
- `rundir`, `journal` (the log) and `checkpoint` (read; `saving` writes it, with `generators`) are what is
  kept; `progress`, `report`, `plot` and `tensorboard` show it
- `pretrained` (with `huggingface` and `tokenizer`) is a trained model, which `evaluate`, `sample`, `evals`
  and `export` use
- `cli` is `python -m train`; `files`, `streams`, `interrupt` and `errors` serve all

Nothing here imports the rest of the toolkit: token files and a tokenizer are enough.
"""

import os

# Before torch is imported: OpenMP threads sleep at a barrier instead of spinning. On two cores that other
# processes use too, spinning made a step of the demo 2 to 5 times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# What cuBLAS wants to hear before it adds in the same order every time.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
