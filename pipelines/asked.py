"""What a user wants out of a corpus, as read from options and lists: pages by URL, and registered domains."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from webtext import reasons
from webtext.crawl.tombstones import Tombstone
from webtext.errors import UserError, why
from webtext.links.canonical import Rejected, canonicalise
from webtext.links.hosts import domain_of, is_public_suffix, parse_host

ASKED = "asked for"
COMMENT = re.compile(r"(^|\s)#.*")  # of a list; a # within a URL begins its fragment


@dataclass(frozen=True)
class Selection:
    """What the user wants out: canonical URLs and registered domains."""

    urls: tuple[str, ...]
    domains: tuple[str, ...]
    copies: bool = True  # and documents that are duplicates of those

    def stones(self, day: str) -> list[Tombstone]:
        urls = [Tombstone("url", url, day, ASKED) for url in self.urls]
        return urls + [Tombstone("domain", domain, day, ASKED) for domain in self.domains]


def selection(urls: Iterable[str], domains: Iterable[str], source: Path | None, *, copies: bool) -> Selection:
    """Raises UserError for what is neither a URL nor a registered domain, and for nothing at all."""
    chosen = [_url(url, f"--url {url}") for url in urls]
    whole = [_domain(domain, f"--domain {domain}") for domain in domains]
    for where, line in _lines(source) if source else ():
        if "/" in line:
            chosen.append(_url(line, where))
        else:
            whole.append(_domain(line, where))
    if not chosen and not whole:
        raise UserError("nothing to remove: name a page with --url, a site with --domain, or --from FILE")
    return Selection(tuple(dict.fromkeys(chosen)), tuple(dict.fromkeys(whole)), copies)


def _lines(source: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = source.read_text("utf-8-sig").splitlines()  # a byte order mark is no text
    except (OSError, UnicodeDecodeError) as error:
        line = f"--from {source}: cannot be read ({why(error)}): give a text file, a line each"
        raise UserError(line) from None
    for number, line in enumerate(lines, 1):
        where, text = f"{source}:{number}", COMMENT.sub("", line).strip()
        if len(text.split()) > 1:
            raise UserError(f"{where}: {text}: more than one; name a URL or a domain a line")
        if text:
            yield f"{where}: {text}", text


def _url(text: str, where: str) -> str:
    try:
        return canonicalise(text)
    except Rejected as error:
        raise UserError(
            f"{where}: {reasons.SENTENCES[error.reason]}; give an absolute http or https URL"
        ) from None


def _domain(text: str, where: str) -> str:
    if "://" in text:
        raise UserError(f"{where}: a URL, not a domain; give one such as example.org, or pages with --url")
    if text.startswith("*."):
        raise UserError(
            f"{where}: a pattern; a domain has all its hosts: leave the star out, or name pages by --url"
        )
    try:
        host = parse_host(text).strip("[].")
    except ValueError:
        raise UserError(f"{where}: no host is called so; give a domain such as example.org") from None
    if (name := domain_of(host)) != host:
        raise UserError(
            f"{where}: belongs to the registered domain {name}; name that one, or pages with --url"
        )
    if is_public_suffix(name):
        raise UserError(
            f"{where}: a public suffix, under which many have sites; name each domain, such as example.{name}"
        )
    return name
