"""Documents: a page's main text with its title, author and date, its measures, and the verdict on it.

In the order of the work, which `pipelines.documents` puts together:

- page: what goes in and out, and the versions of it
- cage: the process that pages are measured in, which can be killed
- measures: one page from bytes to columns; it calls all that follows
- decode, prescan, similar_encodings, browser_codecs: bytes to characters
- text: the main text. tree parses; segment cuts into blocks (element_names, formulas, preformatted, notes,
  gaps, table_rows); features, model: how likely each is main text; render; fallback, where the model is
  unsure
- metadata, titles, bylines, days: what the page says of itself
- mojibake, normalise: the form of every text
- language, quality, ngrams, placeholders, pii, wikipedia, wordlists: measures of a text
- verdict: the recipe's rules over those columns
- libraries: the versions that the texts of a corpus were made with
- view: a page beside what was kept of it
"""
