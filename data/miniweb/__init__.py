"""A small web of made-up sites for the demo and for tests, its pages made from Python's own documentation.

web = build()
write_dump(web, folder / "RS_demo.zst")
with serve(web) as proxy:
    ...  # an HTTP client that uses proxy.address as its proxy finds the mini web's hosts
"""

from data.miniweb.assembly import TooLittleDocumentation, build
from data.miniweb.dump import write_dump
from data.miniweb.model import MiniWeb, Page, Planted
from data.miniweb.proxy import Proxy, serve

__all__ = ["MiniWeb", "Page", "Planted", "Proxy", "TooLittleDocumentation", "build", "serve", "write_dump"]
