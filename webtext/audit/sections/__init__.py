"""The report's sections, in the order in which the page shows them."""

from webtext.audit.section import Section
from webtext.audit.sections import (
    attrition,
    captures,
    domains,
    duplicates,
    fetching,
    fidelity,
    languages,
    lengths,
    libraries,
    overlap,
    personal,
    posting,
    repeats,
    samples,
    tokens,
    wikipedia,
)

SECTIONS: tuple[Section, ...] = (
    attrition.SECTION,
    domains.SECTION,
    fidelity.SECTION,
    languages.SECTION,
    lengths.SECTION,
    wikipedia.SECTION,
    personal.SECTION,
    duplicates.SECTION,
    repeats.SECTION,
    tokens.SECTION,
    overlap.SECTION,
    posting.SECTION,
    captures.SECTION,
    fetching.SECTION,
    libraries.SECTION,
    samples.SECTION,
)
