"""Articles to HTML: a body that every template shows alike, and the furniture of a site around it."""

import functools
from html import escape
from importlib.resources import files
from itertools import groupby
from string import Template

from data.miniweb.articles import Article

TEMPLATES = ("blog", "docs", "news", "forum")


def page_of(
    article: Article,
    template: str,
    *,
    url: str,
    site: str,
    author: str,
    date: str,
    charset: str = "utf-8",
    lang: str = "en",
    meta: str = "",
) -> str:
    """The whole HTML page of an article. `meta` is markup for the head, as it is."""
    return _template(template).substitute(
        title=escape(article.title),
        body=body_of(article),
        url=escape(url),
        site=escape(site),
        author=escape(author),
        date=date,
        charset=charset,
        lang=lang,
        meta=meta,
    )


def body_of(article: Article) -> str:
    """The main text as HTML, the same whatever surrounds it."""
    parts = [f"<h1>{escape(article.title)}</h1>"]
    for kind, group in groupby(article.blocks, key=lambda block: block.kind):
        blocks = [escape(block.text, quote=False) for block in group]
        match kind:
            case "heading":
                parts.extend(f"<h2>{text}</h2>" for text in blocks)
            case "code":
                parts.extend(f"<pre>{text}</pre>" for text in blocks)
            case "item":
                parts.append("<ul>" + "\n".join(f"<li>{text}</li>" for text in blocks) + "</ul>")
            case "paragraph":
                parts.extend(f"<p>{text}</p>" for text in blocks)
    return "\n".join(parts)


@functools.cache
def _template(name: str) -> Template:
    return Template((files("data.miniweb") / "templates" / f"{name}.html").read_text("utf-8"))
