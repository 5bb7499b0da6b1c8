"""A page as blocks of text: where each begins and ends, and how they become plain text again."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.extract.blocks import Blocks
from webtext.extract.element_names import HINT_BITS, HINTS
from webtext.extract.features import features
from webtext.extract.render import render
from webtext.extract.segment import segment
from webtext.extract.tree import parse


def page(body: str) -> Blocks:
    root = parse(f"<html><body>{body}</body></html>")
    assert root is not None
    return segment(root)


def texts(body: str) -> list[str]:
    return [block.text for block in page(body).blocks]


def test_inline_elements_stay_in_their_paragraph() -> None:
    assert texts("<p>one <b>two</b> <a href=/x>three</a>, four</p>five") == ["one two three, four", "five"]


def test_words_of_two_elements_are_apart_where_only_the_style_sheet_parts_them() -> None:
    assert texts("<p><span>La Sportiva</span><span>Skwama Shoes</span></p>") == ["La Sportiva Skwama Shoes"]
    assert texts("<p><a href=/x>Get <b>started</b></a><img><a href=/y>Book</a>") == ["Get started Book"]
    assert texts("<p><s>$17</s><i>Current price</i>") == ["$17 Current price"]
    assert texts("<p><b>La Sportiva</b><i></i><b>Skwama</b>") == ["La Sportiva Skwama"]
    assert texts("<p><b>(8)</b><i>8 reviews</i><b>In stock!</b><i>Buy</i>") == ["(8) 8 reviews In stock! Buy"]


def test_one_word_in_several_elements_stays_one() -> None:
    assert texts("<p><b>B</b><i>reakfast</i>, <b>Securi</b><b>ng</b>") == ["Breakfast, Securing"]
    assert texts("<p><b>m</b><i>RNA</i>, <b>3</b><b>D</b>, Web<b>MD</b>") == ["mRNA, 3D, WebMD"]
    assert texts("<p><b>25</b><i>DVD</i>, <b>3</b><i>Ds</i>") == ["25DVD, 3Ds"]
    assert texts("<p><b>Word</b><sup>TM</sup>, <i>get</i><wbr><i>Name</i>") == ["WordTM, getName"]
    assert texts("<p><code><i>get</i><i>Name</i></code>, <i>re.</i><b>Match</b>") == ["getName, re.Match"]


def test_words_that_only_the_style_sheet_parts_are_counted_as_the_model_learned_it() -> None:
    (block,) = page("<p><a href=/x>Get started</a><a href=/y>Book</a>").blocks
    assert (block.words, block.link_words) == (2, 2)


def test_an_element_unknown_to_html_is_part_of_the_line_in_which_it_stands() -> None:
    city = "<st1:City><st1:place>London</st1:place></st1:City>"
    assert texts(f"<p>in {city}, on <side-note>a <b>hill</b></side-note>.</p>") == ["in London, on a hill."]


def test_an_element_unknown_to_html_is_a_block_where_it_holds_or_stands_beside_others() -> None:
    assert texts("<x-card>Oil</x-card>\n<x-card>Wick</x-card>") == ["Oil", "Wick"]
    assert texts("<div>Lamps <x-card>Oil</x-card></div>") == ["Lamps", "Oil"]
    assert texts("<div>Lamps <x-card><p>Oil</p></x-card> and</div>") == ["Lamps", "Oil", "and"]


def test_what_framer_repeats_for_narrow_screens_is_read_once() -> None:
    style = (
        '<meta name="generator" content="Framer 1">'
        "<style data-framer-breakpoint-css>@media(min-width: 1200px){.hidden-a1{display:none!important}}"
        "@media(max-width: 1199px){.hidden-b2{display:none!important}}</style>"
    )
    wide, narrow = '<div class="ssr-variant hidden-b2">', '<div class="ssr-variant hidden-a1">'
    body = f"{wide}<p>The lamp</p></div>{narrow}<p>The lamp</p></div>{wide}<p>Oil</p></div>"
    assert texts(style + body) == ["The lamp", "Oil"]
    assert texts(body) == ["The lamp", "The lamp", "Oil"]


def test_what_is_for_browsers_without_frames_or_plug_ins_is_no_text() -> None:
    frames, plug_ins = "<noframes><p>Get frames</p></noframes>", "<noembed><b>Get Flash</b></noembed>"
    assert texts(f"<p>one</p>{frames}<p>two <embed src=/film>{plug_ins}films</p>") == ["one", "two films"]


def test_one_break_ends_a_line_and_two_end_a_paragraph() -> None:
    assert texts("<div>a<br>b<br>\n<br>c<br></div>") == ["a\nb", "c"]


def test_code_keeps_its_indentation_and_lines() -> None:
    assert texts("<pre>\ndef f():\n    return <b>1</b>\n</pre>") == ["def f():\n    return 1"]
    assert texts("<pre><div>if x:</div><div>    y()</div></pre>") == ["if x:\n    y()"]


def test_spaces_that_do_not_break_are_spaces_in_code_too() -> None:
    assert texts("<pre>if x:\n&nbsp;&nbsp;y()</pre>") == ["if x:\n  y()"]


def test_the_mark_that_links_to_a_heading_or_back_from_a_note_is_no_text() -> None:
    assert texts("<h2>Forms<a class=headerlink href=#forms>¶</a></h2>") == ["Forms"]
    assert texts("<ol><li>See p. 3. <a href=#fnref1>↩︎</a></ol>") == ["See p. 3."]
    assert texts("<p>C# <a href=#x>#1</a> <a href=/tags>#</a></p>") == ["C# #1 #"]


@pytest.mark.parametrize(
    "mark",
    [
        "<sup><a href=#fn1>1</a></sup>",
        "<a href=#n2><sup>2, 3</sup></a>",
        "<sup>[<a href=/lamp#cite_note-1>1</a>]</sup><sup>[<a href=#a>b</a>]</sup>",
        "<a href=#footnote-1-99>1</a>",
        "<a href=#_ftn2><span>[2]</span></a>",
        "<a href=#_edn4>[4]</a>",
        "<a href=#sdfootnote5sym>5</a>",
        "<a href=#FN6>6</a>",
    ],
)
def test_the_mark_that_links_to_a_note_is_no_text(mark: str) -> None:
    assert texts(f"<p>Oil{mark}, wick.{mark}") == ["Oil, wick."]


def test_a_link_to_a_note_that_the_sentence_needs_is_text() -> None:
    assert texts("<p>See footnote <a href=#fn3>3</a>, <a href=#s4>4</a>.") == ["See footnote 3, 4."]
    assert texts("<p>Lamp<sup><a href=#legal>®</a></sup>") == ["Lamp®"]
    assert texts("<p>Lamp<a href=#legal><sup>TM</sup></a>") == ["LampTM"]
    assert texts("<p>Lamp<sup><a href=/history/7>7</a></sup>") == ["Lamp^7"]
    numbers = ", ".join("12345678901234"), ", ".join("123456789012345")
    marks = [f"<p>Oil<sup><a href=#n>{each}</a></sup>" for each in numbers]
    assert [texts(mark) for mark in marks] == [["Oil"], [f"Oil{numbers[1]}"]]
    assert texts(f"<p>Oil<sup>{'<a href=#n>1</a>' * 20}</sup>") == [f"Oil{'1' * 20}"]
    assert texts("<p>For <a href=#e7>x<sup>2</sup></a> of oil.") == ["For x^2 of oil."]


def test_a_raised_number_is_not_one_with_the_digits_before_it() -> None:
    assert texts("<p>10<sup>15</sup> cm<sup>−3</sup> of oil.<sup>1</sup>") == ["10^15 cm^−3 of oil.^1"]
    assert texts("<p>19<sup>th</sup>, CO<sub>2</sub>, of <sup>14</sup>C") == ["19th, CO2, of 14C"]


def test_what_wikis_and_forums_show_to_be_clicked_is_no_text() -> None:
    assert texts("<h2>Oil <span class=mw-editsection>[<a href=/e>edit</a>]</span></h2>") == ["Oil"]
    expand = "<div class='bbCodeBlock-expandLink js-expandLink'><a>Click to expand...</a></div>"
    assert texts(f"<blockquote><div>Light it.</div>{expand}</blockquote>") == ["Light it."]


def test_lines_of_a_cell_that_only_count_up_are_numbers_beside_code() -> None:
    cells = "<table><tr><td><pre>{numbers}</pre><td><pre>x = 1\ny = 2\nz = 3</pre></table>"
    code = "x = 1\ny = 2\nz = 3"
    assert texts(cells.format(numbers="<a href=#1>1</a>\n<a href=#2>2</a>\n 3\n")) == [code]
    assert texts(cells.format(numbers="8\n9\n10")) == [code]
    assert texts("<table><tr><td><pre>2\n3\n5</pre><td><pre>200</pre></table>") != ["200"]


def test_what_a_program_printed_stays_even_where_it_counts_up() -> None:
    assert texts("<pre>print(*range(3), sep='\\n')</pre><pre>0\n1\n2</pre>")[1] == "0\n1\n2"
    assert texts("<table><tr><td><pre>5 6 7</pre></table>") == ["5 6 7"]


def test_a_row_of_short_cells_is_a_line_and_rows_stand_together() -> None:
    body = "<table><tr><th>oil<th>2 l<tr><td>wick<td>1</table><p>end"
    assert render(page(body).blocks) == "| oil | 2 l |\n| wick | 1 |\n\nend"


def test_two_tables_are_apart_and_two_lists_are_not() -> None:
    table, items = "<table><tr><td>{0}<td>1<tr><td>{0}<td>2</table>", "<ul><li>{0}<li>{0}</ul>"
    assert render(page(table.format("a") + table.format("b")).blocks) == (
        "| a | 1 |\n| a | 2 |\n\n| b | 1 |\n| b | 2 |"
    )
    assert render(page(items.format("a") + items.format("b")).blocks) == "- a\n- a\n- b\n- b"


def test_an_empty_cell_keeps_the_others_in_their_columns() -> None:
    body = "<table><tr><th><th>oil<th>wick<tr><td>May<td>2 l<td><tr><td>June<td><img><td>1</table>"
    assert texts(body) == ["| | oil | wick |", "| May | 2 l | |", "| June | | 1 |"]


def test_cells_that_hold_a_layout_are_blocks_of_their_own() -> None:
    assert texts("<table><tr><td><p>a</p><p>b</p><td>c</table>") == ["a", "b", "c"]


MATH = '<math alttext="x squared"><semantics><msup><mi>x</mi><mn>2</mn></msup>{}</semantics></math>'
TEX = '<annotation encoding="application/x-tex">{}</annotation>'


def test_a_formula_is_the_tex_that_it_was_written_in() -> None:
    assert texts(f"<p>where {MATH.format(TEX.format('x^{2}'))} is small</p>") == ["where $x^{2}$ is small"]
    wikipedia = TEX.format("{\\displaystyle x^2}")
    assert texts(f"<p>{MATH.format(wikipedia)}</p>") == ["$x^2$"]


def test_a_formula_without_tex_is_its_other_text_or_its_symbols() -> None:
    assert texts(f"<p>where {MATH.format('')} is small</p>") == ["where x squared is small"]
    assert texts("<p>where <math><mi>a</mi><mo>+</mo><mn>2</mn></math></p>") == ["where a + 2"]


def test_a_formula_that_katex_drew_beside_its_tex_is_there_once() -> None:
    katex = f"""<span class="katex"><span class="katex-mathml">{MATH.format(TEX.format("x^2"))}</span><span
        class="katex-html" aria-hidden="true"><span>x</span><span>2</span></span></span>"""
    assert texts(f"<p>where {katex} is <b>small</b></p>") == ["where $x^2$ is small"]


def test_an_image_of_a_formula_is_its_tex() -> None:
    image = '<img src="/latex.php" alt="e^{i \\pi}" class="{}">'
    assert texts(f"<p>as {image.replace('{}', 'latex')} is</p>") == ["as $e^{i \\pi}$ is"]
    assert texts(f"<p>as {image.replace('{}', 'photo')} is</p>") == ["as is"]


def test_items_of_a_list_are_marked_once_and_stand_together() -> None:
    body = "<ul><li>a<li><p>b</p><p>more of b</p><li>c</ul><p>end</p>"
    assert render(page(body).blocks) == "- a\n- b\n\nmore of b\n\n- c\n\nend"


def test_what_nobody_reads_is_no_text() -> None:
    assert texts("<script>x</script><style>y</style><template>z</template><textarea>t</textarea>a") == ["a"]


def test_a_page_built_by_scripts_is_read_as_by_those_who_run_none() -> None:
    assert texts("<div id=app></div><noscript><p>The first post</p></noscript>") == ["The first post"]
    assert texts(f"<p>{'word ' * 40}</p><noscript>No scripts!</noscript>") == ["word " * 39 + "word"]


def test_words_in_links_are_counted() -> None:
    (block,) = page("<p>one <a href=/x>two three</a> <a name=y>four</a>").blocks
    assert (block.words, block.link_words) == (4, 2)
    (block,) = page("<p><a href=/x>灯台守 and 灯台</a>").blocks
    assert (block.words, block.link_words) == (3 + 5 // 2, 3 + 5 // 2)


def test_words_of_scripts_without_spaces_are_counted_by_characters() -> None:
    counts = [
        page(f"<p>{text}</p>").blocks[0].words for text in ("灯台守は毎晩手紙を書いた", "灯台守 and 灯台")
    ]
    assert counts == [1 + 12 // 2, 3 + 5 // 2]


def test_an_element_knows_its_blocks_and_the_hints_above_it() -> None:
    found = page('<div class="comments"><p>a</p><p>b</p></div><p>c</p>')
    outer, first, last = found.blocks[0].node, found.first, found.last
    parent = found.parent[outer]
    assert (first[parent], last[parent]) == (0, 2)
    assert found.any[outer] & HINT_BITS["comment"]
    assert not found.any[found.blocks[2].node] & HINT_BITS["comment"]


def test_nesting_of_a_thousand_elements_loses_nothing() -> None:
    assert texts("<div>" * 1500 + "deep" + "</div>" * 1500 + "<p>end</p>") == ["deep", "end"]


@pytest.mark.parametrize("element", ["<table><tr><td>", "<table><tr>", "<ul><li>", "<x-y><tr>", "<pre>"])
def test_nesting_of_any_elements_is_bounded(element: str) -> None:
    assert " ".join(texts(element * 500 + "deep")) == "deep"


tags = st.sampled_from(["p", "div", "ul", "li", "table", "tr", "td", "a", "br", "pre", "b", "h1", "x-y"])
markup = st.recursive(
    st.text(alphabet="ab .,é灯\n", max_size=8),
    lambda inner: st.builds(lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>", tags, st.lists(inner)),
    max_leaves=20,
)


@given(markup)
def test_ranges_hold_and_features_are_finite_for_any_page(body: str) -> None:
    found = page(body)
    for number, block in enumerate(found.blocks):
        assert block.text.strip()
        assert 0 <= block.link_words <= block.words
        assert found.first[block.node] <= number < found.last[block.node]
    if found.blocks:
        numbers = features(found, "a title")
        assert numbers.shape[0] == len(found.blocks)
        assert abs(numbers).max() < 1e9


def test_each_hint_is_found_by_the_two_letters_that_it_begins_with() -> None:
    hints = HINTS.pattern.partition("(?:")[2].removesuffix(")")
    spelt_out = re.sub(r"\(\?<?![^)]*\)|\(\?P<\w+>|\?", "", hints).strip("()")
    for name in re.split(r"[|()]+", spelt_out):
        found, wanted = HINTS.search(name), re.search(hints, name)
        assert found and wanted and (found[0], found.lastgroup) == (wanted[0], wanted.lastgroup), name
