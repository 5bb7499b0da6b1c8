"""How stages are chained into commands. A document's way, file by file:

- `crawl`: sources → links (`links`, of `link_sources`, `link_reading` and `link_steps`) → pages (`pages`,
  in `page_groups`; `own_archives` lists the user's WARC files), after `crawl_checks`, and `retries` if asked
- `build_shards`: pages → documents (`documents`, of `measuring`, and `pieces` where they are many) →
  clusters (`clusters`, of `signatures`, `ranks`, `candidates`, `edges` and `resolve`, over `scratch` and
  `arrays`) → `paragraphs` and `decontamination` (off by default) → what is `kept` → shards and tokens
  (`shards`, of `census`, `vocabulary`, `scattering` and `tokens`) → `ledger`
- `model`: tokens → a run, samples, evaluations, an export (`stored_run`: of a run in an object store)
- `remove` (`asked`, `removal`, `archive_search`), `explain` (`finding`, `view`), `status`, `audit`
  (`overlap`) and `demo` are commands over what there is
- `crawl_estimate` and `build_estimate` (`build_sample`, `meter`) are dry runs; `request` (`recipes`,
  `recipe_paths`) is what a command is asked for
"""
