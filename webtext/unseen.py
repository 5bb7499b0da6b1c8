"""Characters that act instead of being seen, written out: what strangers wrote is shown on terminals and in
the report, and must neither move a cursor nor change the direction of what stands beside it.
"""

import json
import re

# Controls but tab and newline; marks, embeddings, overrides and isolates of direction; line and paragraph
# separators; invisible fillers and tags; surrogates and non-characters, which XML forbids.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """The text with its unseen characters written out: `\\u202e`."""
    return _UNSEEN.sub(_written_out, text)


def one_line(text: str) -> str:
    """The same in one line, as a message is: a path or an address may have line breaks."""
    return visible(text).replace("\n", "\\u000a")


def visible_json(text: str) -> str:
    """JSON that reads as the same values, its unseen characters as JSON escapes them."""
    return _UNSEEN.sub(lambda match: json.dumps(match[0])[1:-1], text)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
