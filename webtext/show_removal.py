"""What `webtext remove` did, or would do, for a person at a terminal."""

from collections.abc import Sequence
from shlex import quote

from webtext.tally import counted
from webtext.terminal import Result, console, known, new_table

REMOVED_SHOWN = 20  # of each list


def removal(result: Result) -> None:
    dry_run, links = result["dry_run"], result["links"]
    gone = "would go" if dry_run else "is gone" if links == 1 else "are gone"
    console.print(f"{counted(links, 'link')} of the corpus {gone}")
    _some([f"  {row['url']}: {row['why']}" for row in result["removed"]], "  ")
    kept_out = "would be kept out" if dry_run else "kept out from now on"
    _some([f"not in the corpus, and {kept_out}: {what}" for what in result["not_found"]])
    stays = "would stay" if dry_run else "stays"
    _some([f"spelled nearly as what was asked for, and {stays}: {url}" for url in result["spelled_nearly"]])
    if not result["copies_known"]:
        advice = "would stay: `webtext build-shards` first finds them" if dry_run else "stay"
        console.print(f"Copies among pages that no build has read are not known, and {advice}.")
    if reports := result["reports"]:
        named = ", ".join(f"audit/{name}" for name in reports)
        console.print(f"{'Would be deleted' if dry_run else 'Deleted'}, for what they quote: {named}")
    if dry_run:
        return
    archive = result["archive"]
    emptied = counted(archive["records"], "record")
    console.print(f"{emptied} of the archive emptied ({archive['bytes']:,} bytes)")
    if shared := archive["shared"]:
        stays = f"{counted(shared, 'record')} {'stays' if shared == 1 else 'stay'}"
        console.print(f"{stays}: pages that stay have the same content")
    table = new_table("", "what", ">before", ">after")
    for name, count in result["before"].items():
        table.add_row(name, known(count), known(result["after"][name]))
    table.add_row("shard files changed", "", known(result["shard_files_changed"]))
    console.print(table)
    if result["crawl_unfinished"]:
        console.print("The crawl has not ended: what it fetched lately goes when it does.")
        if result["after"]["documents"]:
            console.print("Shards and tokens stay as they were until `webtext build-shards` after that.")
    if links:
        _next(result)


def _next(result: Result) -> None:
    corpus = quote(result["corpus"])
    if result["crawl_unfinished"]:
        commands = f"webtext crawl {corpus}"
    elif result["after"]["documents"]:
        console.print("Runs that were trained before keep what they learned.")
        commands = f"webtext train {corpus} --out RUN, webtext audit {corpus}"
    else:
        commands = f"webtext status {corpus}"
    console.print(f"Next: {commands}", markup=False)


def _some(lines: Sequence[str], indent: str = "") -> None:
    for line in lines[:REMOVED_SHOWN]:
        console.print(line, markup=False)
    if (more := len(lines) - REMOVED_SHOWN) > 0:
        console.print(f"{indent}and {more:,} more (--json names all)")
