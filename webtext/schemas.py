"""The columns of every table of a corpus, each defined once.

Timestamps are UTC microseconds. `SCHEMA_VERSION` is in each Parquet file's metadata and changes when a
column changes its name, type or meaning.
"""

import pyarrow as pa

SCHEMA_VERSION = "1"

TIME = pa.timestamp("us", tz="UTC")

SUBMISSION = pa.struct(
    [
        ("id", pa.string()),
        ("subreddit", pa.string()),
        ("score", pa.int64()),
        ("created_utc", pa.int64()),  # seconds since 1970, as in the dumps
        ("title", pa.string()),
        ("num_comments", pa.int64()),
        ("over_18", pa.bool_()),
        ("retrieved_utc", pa.int64()),
    ]
)


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()), metadata={"webtext.schema": SCHEMA_VERSION})


# A row per canonical URL that was selected.
LINKS = _schema(
    id=pa.string(),  # 16 hex digits: xxh3-64 of `url`
    url=pa.string(),
    url_as_posted=pa.string(),
    domain=pa.string(),  # registered domain, or the address itself
    karma=pa.int64(),  # the highest score; null for sources without scores
    karma_sum=pa.int64(),
    first_posted=TIME,
    submissions=pa.list_(SUBMISSION),  # earliest first
)

# A row per link: what the fetch gave.
PAGES = _schema(
    id=pa.string(),
    url=pa.string(),
    state=pa.string(),  # "fetched" or a reason
    http_status=pa.int32(),
    final_url=pa.string(),
    redirects=pa.int32(),  # how many were followed
    source=pa.string(),  # live, wayback, commoncrawl, warc
    captured_at=TIME,
    fetched_at=TIME,
    content_type=pa.string(),  # media type, lower case, without parameters
    charset=pa.string(),  # as the Content-Type header names it
    bytes=pa.int64(),  # of the decoded body
    sha256=pa.string(),  # of the decoded body, hex
    warc_file=pa.string(),  # relative to pages/
    warc_offset=pa.int64(),
    warc_length=pa.int64(),
    attempts=pa.int32(),
    detail=pa.string(),
)

# A row per fetched page: its text, what was measured, and the verdict.
DOCUMENTS = _schema(
    id=pa.string(),
    url=pa.string(),
    domain=pa.string(),
    text=pa.string(),  # null where none was extracted
    title=pa.string(),
    author=pa.string(),
    published=pa.string(),  # YYYY-MM-DD
    language=pa.string(),  # ISO 639-1
    language_score=pa.float64(),
    words=pa.int64(),
    chars=pa.int64(),
    extractor=pa.string(),  # name and version
    cut_chars=pa.int64(),  # what the text had beyond extract.max_chars
    pretokens=pa.int64(),  # pieces of GPT-2's split pattern: at most the tokens of any GPT-2-style BPE
    wikipedia_domain=pa.bool_(),
    wikipedia_traces=pa.int64(),  # how many traces of a Wikipedia article the page carries
    # Phrases of pages that are no pages, per 100 words (extract.placeholders).
    soft_404=pa.float64(),
    cookie_wall=pa.float64(),
    login_wall=pa.float64(),
    parked=pa.float64(),
    script_required=pa.float64(),
    # Words of filter.adult_words and filter.spam_words, per 1,000 words (extract.wordlists).
    adult=pa.float64(),
    spam=pa.float64(),
    # The form of the text (extract.quality); shares of 1 unless said otherwise.
    word_chars=pa.float64(),  # mean length of a word
    symbols=pa.float64(),  # hash signs or ellipses, whichever are more, per word
    alphabetic_words=pa.float64(),
    stop_words=pa.int64(),  # different ones of eight
    bullet_lines=pa.float64(),
    ellipsis_lines=pa.float64(),
    open_lines=pa.float64(),  # that do not end as a sentence does
    repeated_lines=pa.float64(),
    repeated_line_chars=pa.float64(),
    repeated_paragraphs=pa.float64(),
    repeated_paragraph_chars=pa.float64(),
    top_2grams=pa.float64(),  # characters in the most frequent one
    top_3grams=pa.float64(),
    top_4grams=pa.float64(),
    repeated_5grams=pa.float64(),  # characters in any that occurs twice
    repeated_6grams=pa.float64(),
    repeated_7grams=pa.float64(),
    repeated_8grams=pa.float64(),
    repeated_9grams=pa.float64(),
    repeated_10grams=pa.float64(),
    sentences=pa.int64(),
    curly_brackets=pa.int64(),
    lorem_ipsum=pa.int64(),  # times
    # Personal data by its form (extract.pii): times.
    pii_email=pa.int64(),
    pii_phone=pa.int64(),
    pii_ip=pa.int64(),
    pii_iban=pa.int64(),
    pii_card=pa.int64(),
    verdict=pa.string(),  # "keep" or a reason
    detail=pa.string(),
)

# clusters/signatures: a row per surviving document, with all that duplicate detection needs of it.
# With "near" there is also a column per band (see `signatures`).
SIGNATURES = _schema(
    id=pa.string(),
    text_hash=pa.binary(16),  # xxh3-128 of the normalised text
    first_posted=TIME,
    karma=pa.int64(),
    signature=pa.list_(pa.uint32()),  # the MinHash itself, where it serves to verify; else null
)


def band_column(band: int) -> str:
    return f"band_{band:03d}"


def signatures(bands: int) -> pa.Schema:
    """SIGNATURES and a column per band, the hash of its MinHash entries (null for a text without a word):
    columns, so that one band is read without the others."""
    columns = [pa.field(band_column(band), pa.uint64()) for band in range(bands)]
    return pa.schema([*SIGNATURES, *columns], metadata=SIGNATURES.metadata)


# clusters/edges: candidate pairs whose similarity was verified, in the order of (rank_b, rank_a).
EDGES = _schema(
    a=pa.string(),  # id of the earlier document in keep order
    b=pa.string(),
    similarity=pa.float64(),
    rank_a=pa.uint32(),  # places in keep order
    rank_b=pa.uint32(),
)

# A row per surviving document: which cluster, and whether it is the one that is kept.
CLUSTERS = _schema(
    id=pa.string(),
    cluster=pa.string(),  # id of the kept document
    kept=pa.bool_(),
    duplicate=pa.string(),  # none, exact, near
    similarity=pa.float64(),  # to the kept document; 1 for itself
)

# clusters/paragraphs: a row per kept document out of which paragraphs are taken.
PARAGRAPHS = _schema(
    id=pa.string(),
    removed=pa.list_(pa.int32()),  # numbers of the lines of `text`, from 0
    chars=pa.int64(),  # of what was taken out
    words=pa.int64(),  # of what is left
    kept=pa.bool_(),  # whether that is enough for filter.min_tokens
)

# clusters/contaminated: a row per kept document that holds an example of a test set, of which it names one.
CONTAMINATED = _schema(
    id=pa.string(),
    file=pa.string(),  # name of the test file
    example=pa.int64(),  # line or row in it, from 1
    shared=pa.int64(),  # different 8-grams in common
    overlap=pa.float64(),  # of those of the document or the example, whichever has fewer
)

# A row per document of the corpus as it is published.
SHARDS = _schema(
    id=pa.string(),
    text=pa.string(),
    url=pa.string(),
    domain=pa.string(),
    title=pa.string(),
    published=pa.string(),
    language=pa.string(),
    karma=pa.int64(),
    karma_sum=pa.int64(),
    first_posted=TIME,
    subreddits=pa.list_(pa.string()),
    submissions=pa.list_(pa.string()),
    captured_at=TIME,
    source=pa.string(),
    warc_file=pa.string(),
    warc_offset=pa.int64(),
    words=pa.int64(),
    tokens=pa.int64(),
    duplicates=pa.int64(),  # how many documents were dropped in favour of this one
    sha256=pa.string(),  # of the text's UTF-8 bytes, hex
)

# tokens/*.idx: where each document lies in the .bin beside it, in tokens; the end-of-text token included.
TOKEN_INDEX = _schema(id=pa.string(), offset=pa.int64(), length=pa.int64())

# One final state per link.
LEDGER = _schema(
    id=pa.string(),
    url=pa.string(),
    state=pa.string(),
    reason=pa.string(),  # null where kept
    detail=pa.string(),
    stage=pa.string(),  # the table that decided
)
