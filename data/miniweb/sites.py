"""The made-up hosts: how each one looks, writes its addresses and meets robots."""

import datetime as dt
from dataclasses import dataclass

ROBOTS: dict[str, str | None] = {
    "absent": None,  # 404: everything is allowed
    "empty": "User-agent: *\nDisallow:\n",
    "polite": "# Be kind.\nUser-agent: *\nDisallow: /admin/\nDisallow: /search\n\nSitemap: http://{host}/sitemap.xml\n",
    "picky": "User-agent: OneParticularBot\nDisallow: /\n\nUser-agent: *\nAllow: /\n",
}

ADDRESSES = {
    "dated": "/{date:%Y/%m}/{slug}.html",
    "daily": "/{date:%Y/%m/%d}/{slug}/",
    "manual": "/manual/{slug}.html",
    "library": "/library/{slug}/index.html",
    "stories": "/stories/{slug}-{number}",
    "magazine": "/magazine/{date:%Y}/{number}/{slug}.php",
    "topic": "/viewtopic.php?t={number}",
    "post": "/?p={number}",
    "home": "/~{author}/{slug}.htm",
    "wiki": "/wiki/{slug}",
}

AUTHORS = (
    "quillfeather",
    "mossy",
    "the-archivist",
    "lanternfish",
    "paperboat",
    "driftwood",
    "oldkettle",
    "inkwell",
)


@dataclass(frozen=True)
class Site:
    """A host of the mini web."""

    host: str
    title: str
    template: str  # a file of templates/
    addresses: str  # a key of ADDRESSES
    robots: str = "absent"  # a key of ROBOTS

    def address(self, slug: str, date: dt.date, number: int, author: str) -> str:
        """Where this site puts a page."""
        path = ADDRESSES[self.addresses].format(slug=slug, date=date, number=number, author=author)
        return f"http://{self.host}{path}"


def _sites(template: str, rows: str) -> list[Site]:
    """One site per line: host, addresses, robots, title."""
    sites = []
    for row in rows.strip().splitlines():
        host, addresses, robots, title = row.split(maxsplit=3)
        sites.append(Site(host, title, template, addresses, robots))
    return sites


SITES: list[Site] = [
    *_sites(
        "blog",
        """
        www.pythonic-garden.com           dated    absent  Pythonic Garden
        blog.mossandlantern.net           daily    empty   Moss and Lantern
        tinyheronnotes.com                dated    polite  Tiny Heron Notes
        www.brasskettle-diary.org         daily    absent  The Brass Kettle Diary
        paperboat.inkmeadow.com           dated    picky   Paper Boat
        thequietcompiler.net              post     absent  The Quiet Compiler
        www.rainyday-refactor.com         daily    polite  Rainy Day Refactor
        notes.amberquill.net              home     empty   Amber Quill
        saltandsemicolons.com             dated    absent  Salt and Semicolons
        www.hedgerow-hacker.co.uk         daily    polite  Hedgerow Hacker
        journal.windowseatcode.info       dated    absent  Window Seat Code
        www.slowlorry.com.au              post     empty   Slow Lorry
        """,
    ),
    *_sites(
        "docs",
        """
        docs.copperfinch.org              manual   polite  Copperfinch
        manual.larkspurkit.net            library  absent  Larkspur Kit
        www.stonebridge-reference.org     manual   empty   Stonebridge Reference
        handbook.oatfieldlabs.com         library  picky   Oatfield Labs Handbook
        docs.willowpipe.io                manual   absent  Willowpipe
        reference.thimbleworks.net        manual   polite  Thimbleworks
        www.openpantry-docs.org           library  absent  Open Pantry
        guide.northgate-tools.com         manual   empty   Northgate Tools
        learn.fernandloom.org             library  absent  Fern and Loom
        archive.cobblestone-manuals.org   manual   polite  Cobblestone Manuals
        """,
    ),
    *_sites(
        "news",
        """
        www.harbourside-gazette.com       stories  absent  Harbourside Gazette
        www.theorchardcourier.net         magazine polite  The Orchard Courier
        tech.millpondherald.com           stories  empty   Millpond Herald
        www.lighthouse-weekly.org         magazine absent  Lighthouse Weekly
        features.marbleandmoor.com        stories  picky   Marble and Moor
        www.tuesdaybroadsheet.co.uk       magazine absent  Tuesday Broadsheet
        science.pebblepost.net            stories  polite  Pebble Post
        www.valleytribunal.info           magazine empty   The Valley Tribunal
        longreads.cinderandoak.com        stories  absent  Cinder and Oak
        www.evening-almanac.com           magazine polite  The Evening Almanac
        """,
    ),
    *_sites(
        "forum",
        """
        forum.teapotkeepers.org           topic    absent  Teapot Keepers
        talk.allotment-engineers.net      topic    empty   Allotment Engineers
        boards.rustygate.com              topic    polite  Rusty Gate Boards
        www.workbenchcircle.org           topic    absent  Workbench Circle
        community.foxglovesystems.com     topic    picky   Foxglove Systems Community
        discuss.thirdshelf.net            topic    absent  Third Shelf
        """,
    ),
]

# Hosts with a part to play.
SLOW = Site("www.snailmail-observatory.org", "Snail Mail Observatory", "blog", "dated")
CLOSED = Site("www.closed-orchard.net", "The Closed Orchard", "news", "stories")
HALF_OPEN = Site("archive.halfopen-gate.org", "Half-Open Gate", "docs", "library")
TUMBLEDOWN = Site("www.tumbledown-mill.org", "Tumbledown Mill", "blog", "daily")
RESERVED = Site("www.reserved-rights-review.com", "Reserved Rights Review", "news", "magazine")
WIKIPEDIA = Site("en.wikipedia.org", "Wikipedia", "wiki", "wiki")
ENCYCLOPEDIA_COPY = Site("www.allthefacts-mirror.info", "All the Facts", "docs", "library")
FOREIGN = {
    "de": Site("www.alpenblick-notizen.de", "Alpenblick Notizen", "blog", "dated"),
    "fr": Site("www.carnet-du-moulin.fr", "Le carnet du moulin", "news", "stories"),
    "es": Site("www.cuadernos-del-olivar.es", "Cuadernos del olivar", "forum", "topic"),
}
