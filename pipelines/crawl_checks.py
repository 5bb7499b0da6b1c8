"""What is refused before a crawl begins: settings with which it cannot, or must not."""

from collections.abc import Iterable
from itertools import chain

from pipelines import page_groups
from webtext.crawl.addresses import is_private_name, is_reserved_name
from webtext.crawl.archives import chosen
from webtext.crawl.errands import host
from webtext.crawl.network import check_settings
from webtext.errors import UserError
from webtext.reasons import LIVE
from webtext.recipe import Recipe


def settings(recipe: Recipe) -> None:
    """Raises UserError where nothing can be crawled with these settings."""
    chosen.check(recipe.crawl.sources)
    check_settings(recipe.crawl)
    page_groups.check(recipe.crawl)


def contact(recipe: Recipe, urls: Iterable[str]) -> None:
    """Raises UserError where the public hosts of links would be asked by nobody in particular. With a contact
    no URL is looked at."""
    if lacking := lacks_contact(recipe, map(host, urls)):
        raise UserError(lacking)


def lacks_contact(recipe: Recipe, hosts: Iterable[str]) -> str:
    """Why such hosts are not asked, "" where they are."""
    if recipe.crawl.contact:
        return ""
    sources = recipe.crawl.sources
    live = hosts if LIVE in sources else ()
    for name in chain(map(host, chosen.urls(sources)), live):
        if not is_private_name(name) and not is_reserved_name(name):
            return (
                f"crawl.contact is not set, and {name} is a public host; say whom its owner can write to: "
                "--set crawl.contact=you@example.org"
            )
    return ""


def one_pace(recipe: Recipe) -> None:
    """Raises UserError where machines that share no disk would each ask an archive at its full pace."""
    services = [source for source in recipe.crawl.sources if chosen.urls([source])]
    if services:
        raise UserError(
            f"crawl.sources: {services[0]} is asked at a pace that the machines of a cluster cannot keep "
            "together without a shared disk; crawl from one machine, without --ray-address"
        )
