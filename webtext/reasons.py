"""Every reason for which a submission, a page or a document is left out: a closed vocabulary.

A reason is written into manifests, `pages.state`, `documents.verdict` and the ledger, so a name that has
been released never changes its meaning. The sentence is what `webtext explain` and the report print.
"""

from enum import StrEnum

FETCHED = "fetched"  # pages.state of a page that was stored
LIVE = "live"  # pages.source of a page that its own server gave; also as crawl.sources names it
KEEP = "keep"  # documents.verdict of a document that goes on


class State(StrEnum):
    """The final state of a link in the ledger; every link has exactly one."""

    KEPT = "kept"
    DUPLICATE = "duplicate"
    FILTERED = "filtered"
    UNEXTRACTABLE = "unextractable"
    UNFETCHED = "unfetched"
    REMOVED = "removed"
    PENDING = "pending"


# Submissions that never become a link: counts in the links manifest.
LINKS = {
    "malformed": "the line is not a JSON object with the fields of a submission",
    "superseded": "the same submission was retrieved again later; the later retrieval counts",
    "self_post": "the submission is a text post on Reddit itself and links to nothing",
    "no_url": "the submission has no URL, or Reddit deleted it",
    "bad_url": "the URL cannot be parsed as an absolute http or https address",
    "scheme": "the URL is not http or https",
    "too_long": "the URL is longer than 2,083 characters",
    "promoted": "the submission is an advertisement",
    "karma": "the score is below the recipe's min_karma, or unknown",
    "too_new": "the submission was created on or after the recipe's `before` date",
    "too_old": "the submission was created before the recipe's `after` date",
    "over_18": "the submission is marked over 18",
    "subreddit": "the subreddit is on a block list",
    "domain": "the domain is on a block list",
    "extension": "the URL's path ends in a blocked extension",
}

# Links without a stored page: pages.state.
PAGES = {
    "private_address": "the host is, or resolves to, an address that is not public (see crawl.allow_private)",
    "port": "the URL names a port other than 80 and 443 (see crawl.allow_private)",
    "dns": "the host name could not be resolved",
    "unreachable": "no connection to the host could be made, or it was reset",
    "tls": "the TLS handshake failed",
    "timeout": "the whole exchange did not end within crawl.timeout_s",
    "bad_response": "the answer is not valid HTTP",
    "headers_too_large": "the answer's headers are too many or too long",
    "redirect_loop": "the redirects exceed crawl.max_redirects or lead in a circle",
    "bad_redirect": "a redirect leads to something that is not an http or https address",
    "not_found": "the server says that the page does not exist (404, 410)",
    "forbidden": "the server refuses the page (401, 403, 407, 451)",
    "rate_limited": "the server asks for fewer requests (429), after all retries",
    "server_error": "the server failed (5xx), after all retries",
    "http_error": "the server answered with another status that carries no page",
    "robots": "robots.txt disallows the page",
    "robots_unreachable": "robots.txt could not be had, which means disallow for now (RFC 9309 §2.3.1.4)",
    "opted_out": "the page opts out of being used for training",
    "not_html": "the content is not HTML, XHTML or plain text",
    "empty": "the body is empty",
    "too_large": "the body is longer than crawl.max_bytes",
    "bad_encoding": "the content coding cannot be decoded, or expands beyond all measure",
    "truncated": "the body was cut short, after all retries",
    "host_gave_up": "the host kept failing and was given up",
    "no_capture": "no source had a capture of the page",
}

# Pages without a usable text: documents.verdict, ledger state `unextractable`.
UNEXTRACTABLE = {
    "no_text": "no main text was found in the page",
    "undecodable": "the bytes are not text in any known encoding",
    "extract_timeout": "the extraction took longer than extract.timeout_s and was stopped",
    "extract_crash": "the extraction failed on the page, broke its process, or ran out of its memory",
    "lost_record": "the page's WARC record cannot be read back",
}

# Documents that a rule refuses: documents.verdict, ledger state `filtered`.
FILTERED = {
    "too_short": "the text has fewer tokens than filter.min_tokens",
    "language": "the text is not in one of filter.languages, or not surely enough",
    "wikipedia": "the page is on a Wikipedia or one of its sister projects",
    "wikipedia_mirror": "the text carries the traces of a Wikipedia article copied elsewhere",
    "soft_404": "the page says that there is nothing to see, though the server called it a success",
    "cookie_wall": "the page shows hardly more than a request to accept cookies",
    "login_wall": "the page shows hardly more than a request to log in or to subscribe",
    "parked": "the domain is for sale, expired, or not set up",
    "script_required": "the page shows hardly more than a demand for JavaScript or a proof of being human",
    "adult": "the text has more words of filter.adult_words than filter.max_adult allows",
    "spam": "the text has more words of filter.spam_words than filter.max_spam allows",
    "words": "the text has fewer or more words than filter.min_words and filter.max_words allow",
    "word_length": "the words are shorter or longer on average than those of prose",
    "symbols": "the text has too many hash signs or ellipses for its words",
    "bullets": "too many of the lines are items of a list",
    "ellipses": "too many of the lines end in an ellipsis",
    "not_words": "too few of the words have a letter",
    "stop_words": "the text has too few of the commonest English words",
    "repeated_lines": "too many of the lines repeat earlier ones",
    "repeated_paragraphs": "too many of the paragraphs repeat earlier ones",
    "repeated_ngrams": "too much of the text consists of sequences of words that it has more than once",
    "sentences": "the text has fewer sentences than filter.min_sentences",
    "open_lines": "too many of the lines do not end as a sentence does",
    "curly_brackets": "the text has curly brackets, as code does",
    "lorem_ipsum": "the text is a placeholder: lorem ipsum",
    "boilerplate": "what is left without the paragraphs that its domain repeats is too short",
}

# Kept documents that the shards leave out: ledger state `filtered`.
CONTAMINATED = {
    "contaminated": "the text holds an example of a test set in shards.decontaminate",
}

# Surviving documents that repeat another one: ledger state `duplicate`.
DUPLICATE = {
    "exact": "the normalised text is the same as the kept document's",
    "near": "the text's shingles overlap the kept document's by at least dedup.threshold",
}

REMOVED = {"removed": "the document was taken out by `webtext remove`"}

PENDING = {"pending": "the next stage has not seen it yet"}

SENTENCES: dict[str, str] = (
    LINKS | PAGES | UNEXTRACTABLE | FILTERED | CONTAMINATED | DUPLICATE | REMOVED | PENDING
)
