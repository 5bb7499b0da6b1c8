"""Planted pages that are no pages, though their servers call them a success; and one with personal data."""

from data.miniweb.articles import Article
from data.miniweb.draft import Draft
from data.miniweb.model import Planted
from data.miniweb.prose import Block
from data.miniweb.sites import SITES

WALLS = {
    "soft 404": (
        "soft_404",
        "Page not found",
        "Sorry, the page you are looking for does not exist. It may have been removed, had its name"
        " changed, or is temporarily unavailable. If you typed the address, check your spelling, or go"
        " back to the homepage and try searching for what you were after.",
    ),
    "cookie wall": (
        "cookie_wall",
        "We value your privacy",
        "We use cookies and our partners store and/or access information on a device. By clicking"
        " accept all you give your consent; you can reject all, or manage preferences, and change your"
        " settings at any time in our cookie policy before you continue to the site.",
    ),
    "login wall": (
        "login_wall",
        "Sign in to continue",
        "You must be logged in to read the full article. Please log in with your username or email,"
        " or create an account if you are not a member yet. Already a subscriber? Remember me. Forgot"
        " your password?",
    ),
    "parked domain": (
        "parked",
        "This domain is for sale",
        "This domain may be for sale by its owner. Interested in this domain? Buy this domain today"
        " or make an offer. The page is parked free, courtesy of a registrar. Related searches and"
        " sponsored listings are shown below while the site is under construction.",
    ),
    "script wall": (
        "script_required",
        "Just a moment",
        "Please enable JavaScript and enable cookies to go on. JavaScript is disabled in your"
        " browser, and this site requires JavaScript. We are checking your browser before you get in;"
        " verify you are human by the security check, and please wait while you are redirected"
        " automatically.",
    ),
    "lorem ipsum": (
        "lorem_ipsum",
        "A page that nobody has written yet",
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut"
        " labore et dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco"
        " laboris nisi ut aliquip ex ea commodo consequat.",
    ),
}
EACH = 2
# On the others an extractor takes the furniture for the text where there is hardly any other.
HOSTS = [site for site in SITES if site.template in ("blog", "docs")]
CONTACTS = (
    "Write to the editor at hermes@inkmeadow-review.net or call +44 20 7946 0958 before noon.",
    "The archive answers at desk@cobblestone-archive.org and, on weekdays, under (212) 555-0147.",
)


def plant_walls(draft: Draft) -> None:
    """Some of each kind."""
    for kind, (reason, title, text) in WALLS.items():
        for number in range(EACH):
            article = Article(title, (Block("paragraph", text),))
            spot = draft.spot(f"{article.slug}-{number + 1}", HOSTS)
            draft.serve(spot.url, draft.html(article, spot))
            draft.expect(Planted(kind, spot.url, "filtered", reason), draft.post_of(spot.url, spot.date))


def plant_contacts(draft: Draft) -> None:
    """Articles that end in an e-mail address and a phone number: kept, and counted."""
    for contact in CONTACTS:
        article = draft.stock.pop()
        signed = Article(article.title, (*article.blocks, Block("paragraph", contact)))
        spot = draft.spot(article.slug)
        draft.serve(spot.url, draft.html(signed, spot))
        expected = Planted("page with personal data", spot.url, "kept", None, contains=contact)
        draft.expect(expected, draft.post_of(spot.url, spot.date))
