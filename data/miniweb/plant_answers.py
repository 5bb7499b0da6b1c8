"""Planted answers: what servers say instead of a page, and pages that take a detour."""

from dataclasses import replace
from html import escape
from itertools import pairwise

from data.miniweb.draft import DAY_S, Draft, Spot
from data.miniweb.model import Planted
from data.miniweb.sites import CLOSED, HALF_OPEN, RESERVED, SITES, SLOW, TUMBLEDOWN, Site

SLOW_S = 0.7
SLOW_PAGES = 8

REFUSALS = (
    ("dead link", 404, "not_found"),
    ("dead link", 404, "not_found"),
    ("dead link", 404, "not_found"),
    ("dead link", 410, "not_found"),
    ("dead link", 410, "not_found"),
    ("forbidden page", 403, "forbidden"),
    ("forbidden page", 403, "forbidden"),
    ("server error", 500, "server_error"),
    ("server error", 500, "server_error"),
    ("server error", 500, "server_error"),
)
NO_TARGETS = (
    ("redirect to a private address", "http://169.254.169.254/latest/meta-data/", "private_address"),
    ("redirect to a private address", "http://127.0.0.1/admin.html", "private_address"),
    ("redirect to a private address", "http://10.0.0.7/status", "private_address"),
    ("redirect to nowhere", "mailto:editor@example.org", "bad_redirect"),
    ("redirect to nowhere", "ftp://ftp.example.org/pub/notes.txt", "bad_redirect"),
)
PRIVATE = ("http://192.168.1.20/notes/index.html", "http://127.0.0.1/~mossy/draft.html")
OPT_OUTS = (
    (("X-Robots-Tag", "noai"), ""),
    (("X-Robots-Tag", "noarchive, noai, noimageai"), ""),
    (None, '<meta name="robots" content="noai">'),
    (None, '<meta name="robots" content="noai, noimageai">'),
    (("tdm-reservation", "1"), ""),
    (("TDM-Reservation", "1"), ""),
)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
)
PDF = (
    b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    b"2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
)
EXTENSIONLESS = [site for site in SITES if site.addresses in ("daily", "stories", "post", "topic")]


def plant_refusals(draft: Draft) -> None:
    """Error statuses, answers that are no text, and a page that never ends."""
    for number, (kind, status, reason) in enumerate(REFUSALS):
        spot = draft.spot(f"a-page-that-was-here-{number}")
        draft.serve(spot.url, _message(f"Error {status}"), status=status)
        _unfetched(draft, kind, spot, reason)
    for body, content_type in ((PNG, "image/png"), (PDF, "application/pdf"), (PNG, "image/png")):
        spot = draft.spot("the-annual-report-in-one-picture", EXTENSIONLESS)
        draft.serve(spot.url, body, content_type=content_type)
        _unfetched(draft, "not HTML", spot, "not_html")
    for _ in range(2):
        spot = draft.spot("the-story-without-an-end")
        draft.serve(spot.url, draft.html(draft.borrow(), spot), behaviour="trickle")
        _unfetched(draft, "page that never ends", spot, "timeout")
    for _ in range(2):
        spot = draft.spot("the-story-that-breaks-off")
        draft.serve(spot.url, draft.html(draft.borrow(), spot), behaviour="cut")
        _unfetched(draft, "page that breaks off", spot, "truncated")
    for _ in range(2):
        spot = draft.spot("nothing-to-see-here")
        draft.serve(spot.url, b"")
        _unfetched(draft, "empty page", spot, "empty")
    for _ in range(2):
        spot = draft.spot("a-package-nobody-can-open")
        draft.serve(spot.url, draft.html(draft.borrow(), spot), ("Content-Encoding", "gzip"))
        _unfetched(draft, "broken compression", spot, "bad_encoding")


def plant_redirects(draft: Draft) -> None:
    """Redirects that arrive: to another path, to another host, over several steps."""
    for status in (301, 302, 301, 308):
        old = draft.spot("moved-within-the-house")
        new = draft.spot("where-it-is-now", [old.site])
        _arrive(draft, "redirect to another path", [old, new], status)
    for status in (301, 302, 303):
        old = draft.spot("moved-out")
        new = draft.spot("moved-in", [site for site in SITES if site.host != old.site.host])
        _arrive(draft, "redirect to another host", [old, new], status)
    for _ in range(2):
        _arrive(draft, "redirect over three steps", [draft.spot(f"step-{i}") for i in range(4)], 302)
    for original in draft.rng.sample(draft.originals, 2):
        spot = draft.spot("an-old-address-of-a-page-that-is-linked-too")
        _redirect(draft, spot.url, original.spot.url, 301)
        later = replace(draft.post_of(spot.url), created_utc=draft.free_second(original.posted + 3 * DAY_S))
        kind = "redirect to a linked page"
        draft.expect(Planted(kind, spot.url, "duplicate", "exact", of=original.spot.url), later)


def plant_lost_redirects(draft: Draft) -> None:
    """Redirects that lead in a circle, too far, to a private network or to no page at all."""
    for length in (1, 2, 8):
        spots = [draft.spot(f"round-and-round-{i}") for i in range(length)]
        for here, there in zip(spots, [*spots[1:], spots[0]], strict=True):
            _redirect(draft, here.url, there.url, 302)
        _unfetched(draft, "redirect loop", spots[0], "redirect_loop")
    for kind, target, reason in NO_TARGETS:
        spot = draft.spot("the-back-door")
        _redirect(draft, spot.url, target, 302)
        _unfetched(draft, kind, spot, reason)
    for url in PRIVATE:
        draft.expect(Planted("private address", url, "unfetched", "private_address"), draft.post_of(url))


def plant_manners(draft: Draft) -> None:
    """Hosts with a robots.txt to obey, pages that opt out, and a host that answers slowly."""
    _robots(draft, SLOW, "User-agent: *\nDisallow: /dome/\n", SLOW_S)
    _robots(draft, CLOSED, "User-agent: *\nDisallow: /\n")
    _robots(draft, HALF_OPEN, "User-agent: *\nDisallow: /library/vault-\n")
    draft.serve(f"http://{TUMBLEDOWN.host}/robots.txt", _message("Error 503"), status=503)
    for site, slug, reason in (
        *[(CLOSED, "the-wall", "robots")] * 3,
        *[(HALF_OPEN, "vault-inventory", "robots")] * 2,
        *[(TUMBLEDOWN, "the-leaking-roof", "robots_unreachable")] * 2,
    ):
        spot = draft.spot(slug, [site])
        draft.serve(spot.url, draft.html(draft.borrow(), spot))
        kind = "robots.txt unreachable" if site is TUMBLEDOWN else "robots.txt disallows"
        _unfetched(draft, kind, spot, reason)
    for header, meta in OPT_OUTS:
        spot = draft.spot("not-for-machines", [RESERVED, SITES[5], SITES[30]])
        draft.serve(spot.url, draft.html(draft.borrow(), spot, meta=meta), *([header] if header else []))
        _unfetched(draft, "opted out", spot, "opted_out")
    for site, kind, delay_s in (
        *[(HALF_OPEN, "robots.txt allows", 0.0)] * 3,
        *[(SLOW, "slow host", SLOW_S)] * SLOW_PAGES,
    ):
        spot = draft.fresh([site], delay_s)
        draft.expect(Planted(kind, spot.url, "kept", None), draft.post_of(spot.url, spot.date))


def _arrive(draft: Draft, kind: str, spots: list[Spot], status: int) -> None:
    first, last = spots[0], spots[-1]
    for here, there in pairwise(spots):
        same_host = here.site.host == there.site.host
        target = there.url.removeprefix(f"http://{there.site.host}") if same_host else there.url
        _redirect(draft, here.url, target, status)
    draft.serve(last.url, draft.html(draft.stock.pop(), last))
    post = draft.post_of(first.url, first.date)
    draft.expect(Planted(kind, first.url, "kept", None, final_url=last.url), post)


def _redirect(draft: Draft, url: str, target: str, status: int) -> None:
    draft.serve(
        url, _message(f'Moved <a href="{escape(target)}">here</a>'), ("Location", target), status=status
    )


def _robots(draft: Draft, site: Site, rules: str, delay_s: float = 0) -> None:
    draft.serve(f"http://{site.host}/robots.txt", rules, content_type="text/plain", delay_s=delay_s)


def _unfetched(draft: Draft, kind: str, spot: Spot, reason: str) -> None:
    draft.expect(Planted(kind, spot.url, "unfetched", reason), draft.post_of(spot.url, spot.date))


def _message(text: str) -> str:
    return f"<html><head><title>{text}</title></head><body><p>{text}</p></body></html>"
