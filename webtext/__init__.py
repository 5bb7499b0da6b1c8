"""What a link, a page, a document, a cluster, a shard and a token are, and the code that makes each.

Folders in the order of the pipeline: links, crawl, extract, dedup, shards, then overlap and audit. Beside
them:

- a corpus on disk: corpus, table, manifest, schemas, parquet, files (store, buckets and store_failures: in an
  object store; lease: who may write), stage (how partitions are made), ledger, fingerprint
- what strangers wrote: damage, layouts, parquet_batches (of files), unseen (of texts on a terminal)
- of texts: batching, pretokens
- what is asked: recipe, sections, recipe_lists (files that it names), wrong_values, reasons (why
  something is left out)
- what runs it: engine, progress, tally, errors
- the command line: cli, command, options, corpus_commands, inspect_commands, model_commands, show,
  show_model, show_plan, show_removal, terminal
"""
