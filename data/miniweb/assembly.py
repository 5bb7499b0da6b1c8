"""The whole mini web, made from a seed: about four hundred articles and everything that is planted."""

import random

from data.miniweb import plant_answers, plant_articles, plant_encodings, plant_posts, plant_walls
from data.miniweb.articles import articles_of
from data.miniweb.draft import Draft
from data.miniweb.model import MiniWeb
from data.miniweb.pydocs import all_docs

ARTICLES = 430  # about; the real number follows from how the documentation divides
RESERVED = 70  # of them for planted pages; what is left over is published at the end
LEAST = 200


class TooLittleDocumentation(Exception):
    """This Python carries no documentation to make articles of."""


def build(seed: int = 1337) -> MiniWeb:
    """The mini web of that seed: the same, byte for byte, for one Python installation."""
    rng = random.Random(seed)
    articles = articles_of(all_docs(), ARTICLES, rng)
    if len(articles) < LEAST:
        raise TooLittleDocumentation(
            f"the docstrings of this Python's standard library make {len(articles)} articles, the mini web"
            f" needs {LEAST}: use a complete Python, without -OO"
        )
    draft = Draft(rng, articles)
    plant_articles.publish(draft, leave=RESERVED)
    plant_articles.plant_copies(draft)
    plant_articles.plant_encyclopedias(draft)
    plant_articles.plant_refused_texts(draft)
    plant_answers.plant_refusals(draft)
    plant_answers.plant_redirects(draft)
    plant_answers.plant_lost_redirects(draft)
    plant_answers.plant_manners(draft)
    plant_encodings.plant_encodings(draft)
    plant_posts.plant_spellings(draft)
    plant_posts.plant_superseded(draft)
    plant_posts.plant_edges(draft)
    plant_posts.plant_drops(draft)
    plant_walls.plant_walls(draft)
    plant_walls.plant_contacts(draft)
    plant_articles.publish(draft, leave=0)
    return draft.finish()
