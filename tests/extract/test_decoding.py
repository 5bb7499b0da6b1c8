"""Bytes → characters, as browsers read them, and better where the bytes prove a declaration wrong."""

import random
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import webencodings
from charset_normalizer import from_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from webtext.extract.decode import decode
from webtext.extract.mojibake import mend
from webtext.extract.prescan import declared
from webtext.extract.similar_encodings import is_euc_jp

WORDS = {
    "windows-1252": "Él dijo: “más café”, señor; naïve façade – déjà vu…",
    "windows-1250": "Příliš žluťoučký kůň úpěl ďábelské ódy",
    "windows-1251": "Съешь же ещё этих мягких французских булок",
    "koi8-r": "Съешь же ещё этих мягких французских булок",
    "iso-8859-7": "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία",
    "windows-1255": "דג סקרן שט בים מאוכזב ולפתע מצא חברה",
    "windows-1256": "نص حكيم له سر قاطع وذو شأن عظيم",
    "windows-874": "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า",
    "shift_jis": "いろはにほへと ちりぬるを わかよたれそ 髙﨑～",
    "euc-jp": "いろはにほへと ちりぬるを わかよたれそ つねならむ",
    "iso-2022-jp": "いろはにほへと ちりぬるを わかよたれそ つねならむ",
    "gbk": "我能吞下玻璃而不伤身体 镕",
    "gb18030": "我能吞下玻璃而不伤身体 𠀀",
    "big5": "我能吞下玻璃而不傷身體 香港嘅",
    "euc-kr": "키스의 고유조건은 입술끼리 만나야 하고 펲시콜라",
    "utf-8": "Съешь же ещё этих мягких — 我能吞下玻璃 🙂",
}

RUSSIAN = (
    "Смотритель маяка каждый вечер писал короткое письмо, прежде чем подняться по лестнице к фонарю. Никто в "
    "деревне не помнил зимы, когда гавань замерзала так надолго, и никто не хотел об этом говорить."
)
LINES = {
    "windows-1251": RUSSIAN,
    "koi8-r": RUSSIAN,
    "gbk": "灯塔看守人每天晚上都写一封短信，\n然后才爬上楼梯去点灯。\n村里没有人记得，\n"
    "港口曾经冻结过这么久。\n她回答说，\n船可以等一等，\n而且面包放了一天，\n反而更好吃。\n第二天早上，\n大家都去看海。",
}  # fmt: skip


def text_of(body: bytes, charset: str | None = None, html: bool = True) -> str:
    decoded = decode(body, charset, html)
    assert decoded is not None
    return decoded.text


@pytest.mark.parametrize("label", WORDS)
def test_the_charset_of_http_is_used(label: str) -> None:
    assert text_of(encoded(label), label) == WORDS[label]


@pytest.mark.parametrize("label", WORDS)
def test_the_charset_of_the_page_is_used(label: str) -> None:
    head = f'<html><head><meta charset="{label}"></head>'.encode()
    assert text_of(head + encoded(label)).endswith(WORDS[label])


def test_http_comes_before_the_page() -> None:
    body = b'<meta charset="windows-1251">' + encoded("koi8-r")
    assert text_of(body, "koi8-r").endswith(WORDS["koi8-r"])


def test_a_byte_order_mark_comes_before_http() -> None:
    assert text_of(b"\xef\xbb\xbfna\xc3\xafve", "windows-1251") == "naïve"


@pytest.mark.parametrize("codec", ["utf-16", "utf-32"])
def test_wide_text_with_a_mark_is_read(codec: str) -> None:
    assert text_of("naïve <p>".encode(codec)) == "naïve <p>"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_wide_markup_without_a_mark_is_read(codec: str) -> None:
    assert text_of("<html><p>naïve 我能</p>".encode(codec), "utf-8") == "<html><p>naïve 我能</p>"


@pytest.mark.parametrize("codec", ["utf-16le", "utf-16be"])
def test_wide_text_with_next_to_no_markup_is_what_http_says(codec: str) -> None:
    text = "<p>" + "Съешь же ещё этих мягких французских булок. " * 20
    assert text_of(text.encode(codec), codec) == text


@pytest.mark.parametrize("codec", ["utf-16le", "utf-16be"])
def test_characters_that_have_a_nul_in_their_other_byte_do_not_make_wide_text_binary(codec: str) -> None:
    text = "<p>一个中文网页，古老的图书馆里有很多书。\u3000</p>\n" * 20
    assert text_of(text.encode(codec), codec) == text


@pytest.mark.parametrize("wrong", ["iso-8859-1", "windows-1251", "utf-16", "shift_jis", "unheard-of"])
def test_valid_utf8_is_utf8_whatever_is_declared(wrong: str) -> None:
    text = "The “naïve” café – déjà vu… " * 3
    assert text_of(text.encode(), wrong) == text


def test_western_text_declared_as_utf8_is_read_as_windows_1252() -> None:
    assert text_of("It’s a “test”".encode("cp1252"), "utf-8") == "It’s a “test”"


@pytest.mark.parametrize("label", LINES)
def test_a_server_that_calls_every_page_latin_is_not_believed(label: str) -> None:
    body = LINES[label].encode(webencodings.lookup(label).codec_info.name)
    assert text_of(f'<meta charset="{label}">'.encode() + body, "iso-8859-1").endswith(LINES[label])
    assert text_of(b'<meta charset="iso-8859-1">' + body).endswith(LINES[label])


@pytest.mark.parametrize(
    "text",
    [
        "Hyvää päivää, jäääär ja yötyö: hääyöaie",
        "— «Été» — «À côté» — ÉLÈVE",
        "<script>/[ÀÈÌÒÙàèìòùÂÊÎ]/</script> déjà",
        "".join(f"{chr(0xA0) * indent}— élève\n" for indent in range(20)),
    ],
)
def test_a_western_page_with_letters_side_by_side_is_believed_to_be_latin(text: str) -> None:
    assert text_of(text.encode("cp1252"), "iso-8859-1") == text


NEIGHBOURS = [
    ("windows-1254", "Işığı yaktı, yağı ölçtü, kapıyı açtı; sığ sularda ağır ağır ilerleyen kayığı gördü."),
    ("windows-1250", "Később az őrtorony fölött eltűnt a fény, és a révész hazafelé evezett, hűvös időben."),
    ("iso-8859-2", "Příliš žluťoučký kůň; až zítra přijde, každý večer píše dopis, těžká bouře už vyšla."),
    ("iso-8859-2", "Każdy wieczór pisał, później łódź wpłynęła do portu, już błądząc; księży małe okręty."),
    ("windows-1250", "Než správce zhasl světlo, přečetl dopis, řekl, že počká, a večer na věži uvařil čaj."),
    ("windows-1250", "Među kućama već kreće čamac; čuvar će doći kući čim sagrađena luka bude tuđa, reče."),
]  # fmt: skip


@pytest.mark.parametrize(("label", "text"), NEIGHBOURS)
def test_a_language_whose_letters_latin_lacks_is_not_in_latin_whatever_the_server_says(
    label: str, text: str
) -> None:
    assert text_of((text * 2).encode(label), "iso-8859-1") == text * 2


@pytest.mark.parametrize(
    "text",
    [
        "Þá gekk hann út í myrkrið, því að það var orðið áliðið og ýmsir bátar lýstu þar við ströndina.",
        "As canções são longas, põe os limões e os pães à mão; ambições e ilusões vêm à luz também.",
        "Hän lähti öisin; õhtul süütas ta tule ja läks üle väikese jõe, kus õde ootas mõne sõbraga.",
        "It¿s late, he didn¿t write, she wouldn¿t come, the keeper¿s lamp wasn¿t lit – café déjà vu.",
        "Let a±b be x³y; then c±d is z³w or n¹m, for h±k and p³q as well, in cm³s and m¹s.",
        "The mediæval Cæsar, learnèd and blessèd; an ancient æon of accursèd, belovèd archæology.",
    ],
)
def test_a_text_with_letters_that_latin_has_is_in_latin(text: str) -> None:
    assert text_of((text * 2).encode("cp1252"), "iso-8859-1") == text * 2


def test_utf8_with_a_few_broken_bytes_stays_utf8() -> None:
    assert text_of("naïve café ".encode() * 20 + b"\xe9", "utf-8") == "naïve café " * 20 + "\ufffd"


def test_undeclared_japanese_mail_encoding_is_seen() -> None:
    assert text_of(encoded("iso-2022-jp")) == WORDS["iso-2022-jp"]


def test_the_replacement_encodings_are_read_where_that_is_possible() -> None:
    assert text_of("中文".encode("hz"), "hz-gb-2312") == "中文"
    assert text_of("naïve café".encode(), "iso-2022-cn-ext") == "naïve café"


def test_x_user_defined_is_windows_1252() -> None:
    assert text_of("déjà vu, señor".encode("cp1252"), "x-user-defined") == "déjà vu, señor"


def test_quotes_that_became_control_characters_are_quotes_again() -> None:
    assert text_of("It\x92s \x93here\x94".encode()) == "It’s “here”"


def test_a_quote_garbled_twice_keeps_the_byte_that_windows_1252_has_no_character_for() -> None:
    garbled = "“here”".encode().decode("latin-1").encode()
    assert mend(text_of(garbled)) == "“here”"


def test_only_html_declares_its_charset_in_itself() -> None:
    body = b'<meta charset="koi8-r"> caf\xe9'
    assert text_of(body, html=False).endswith("café")


@pytest.mark.parametrize(
    "body", [b"%PDF-1.7 text", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", random.Random(1).randbytes(4000)]
)
def test_what_is_plainly_binary_is_not_decoded(body: bytes) -> None:
    assert decode(body, "utf-8") is None


# "㈱髙﨑①" in the rows that NEC and IBM added to JIS X 0208, "100€" and an ideographic space in Chinese ones.
ADDED = [
    ("euc-jp", b"\xad\xea\xfc\xe2\xf9\xf5\xad\xa1", "㈱髙\ufa11①"),
    ("iso-2022-jp", b"\x1b$B\x2d\x6a\x7c\x62\x79\x75\x2d\x21\x1b(B", "㈱髙\ufa11①"),
    ("gbk", b"\xc8\xcb\xa3\xa0100\x80", "人\u3000100€"),
    ("big5", b"\xa4H100\xa3\xe1", "人100€"),
]


@pytest.mark.parametrize(("label", "body", "text"), ADDED)
def test_characters_that_browsers_read_beyond_pythons_codecs_are_read(
    label: str, body: bytes, text: str
) -> None:
    assert text_of(body, label) == text


@pytest.mark.parametrize("added", [b"", b"\xad\xa1"])
def test_a_sentence_in_euc_jp_is_told_from_one_in_chinese_or_korean(added: bytes) -> None:
    sentence = "灯台守は毎晩短い手紙を書き、それから階段を上って灯をともす。村の誰も覚えていない。"
    assert text_of(added + sentence.encode("euc_jp")) == ("①" if added else "") + sentence


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("cp949", "ㅋㅋㅋㅋ 진짜 웃겨 ㅎㅎ ㅠㅠ 어제 본 영화 이야기를 하자"),
        ("gbk", WORDS["gbk"] + "これはペン"),
    ],
)
def test_what_has_some_letters_where_kana_are_is_not_taken_for_japanese(codec: str, text: str) -> None:
    assert not is_euc_jp(text.encode(codec))


def test_a_tag_behind_half_a_character_is_a_tag() -> None:
    assert text_of(encoded("euc-jp") + b"\xad<p>", "euc-jp").endswith("\ufffd<p>")


def test_half_width_katakana_do_not_hide_that_a_page_is_in_iso_2022_jp() -> None:
    assert text_of(b"\x1b$B%F%9%H\x1b(IC=D\x1b(B") == "テストﾃｽﾄ"


def test_a_page_padded_with_nuls_is_a_page() -> None:
    assert text_of(b"<p>text</p>" + b"\0" * 5000) == "<p>text</p>"


@given(
    st.binary(max_size=300),
    st.sampled_from([None, "", "utf-8", "utf-16", "gbk", "iso-2022-jp", "\ud800", "é"]),
)
@settings(max_examples=300)
def test_nothing_raises(body: bytes, charset: str | None) -> None:
    decoded = decode(body, charset)
    assert decoded is None or "\0" not in decoded.text


@given(
    st.lists(
        st.sampled_from(
            [b"<meta ", b"charset=", b"'", b'"', b"<!--", b"-->", b">", b"utf-8", b"/", b"=", b"<?xml "]
        )
    )
)
def test_the_prescan_ends_on_anything(pieces: list[bytes]) -> None:
    assert isinstance(list(declared(b"".join(pieces))), list)


def test_the_prescan_takes_an_end_tag_without_a_name_for_a_comment() -> None:
    assert list(declared(b"</ <meta charset=koi8-r><meta charset=utf-8>")) == ["utf-8"]


def test_the_prescan_agrees_with_the_html5lib_tests(shared: Path) -> None:
    cases = list(html5lib_cases(shared))
    assert len(cases) > 80
    wrong = [(data, label) for data, label in cases if prescanned(data) != webencodings.lookup(label).name]
    assert wrong == []


@pytest.mark.slow
def test_labelled_samples_are_read_better_than_by_charset_normalizer(shared: Path) -> None:
    """425 files in 50 encodings, as they are; `benchmarks/bench_extract.py` prints the numbers."""
    samples = list(labelled_samples(shared))
    ours = sum(text_of(body) == expected for body, expected in samples)
    alone = sum(str(from_bytes(body).best()) == expected for body, expected in samples)
    assert ours / len(samples) > 0.96
    assert ours > alone


def encoded(label: str) -> bytes:
    return WORDS[label].encode(webencodings.lookup(label).codec_info.name)


def prescanned(data: bytes) -> str:
    """The encoding as the standard's whole algorithm has it, without HTTP."""
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8"
    found = (webencodings.lookup(label) for label in declared(data))
    name: str = next((encoding.name for encoding in found if encoding), "windows-1252")
    return "utf-8" if name.startswith("utf-16") else name


def html5lib_cases(shared: Path) -> Iterator[tuple[bytes, str]]:
    for name, data in members(
        shared / "hostile" / "html5lib-tests.tar.xz", r"html5lib-tests/encoding/[^/]+\.dat"
    ):
        assert name
        for case in data.split(b"#data\n")[1:]:
            page, _, label = case.rpartition(b"\n#encoding\n")
            yield page, label.split(b"\n")[0].decode()


# What the folders' names mean where they are not Python's, and the supersets that browsers read.
CODECS = {
    "maccyrillic": "mac-cyrillic", "macroman": "mac-roman", "tis-620": "cp874", "shift_jis": "cp932",
    "euc-kr": "cp949", "big5": "big5hkscs", "gb2312": "gb18030", "iso-8859-1": "cp1252",
    "iso-8859-9": "cp1254",
}  # fmt: skip


def labelled_samples(shared: Path) -> Iterator[tuple[bytes, str]]:
    for name, body in members(shared / "hostile" / "charset-chardet.tar.xz", r"chardet/[^/]+/.+"):
        label = re.sub(r"-[a-z]{5,}$", "", name.split("/")[1].lower())  # the language
        if label != "euc-tw":  # which Python does not know
            yield body, body.decode(CODECS.get(label, label), "replace")


def members(archive: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if re.fullmatch(pattern, member.name) else None
            if file is not None:
                yield member.name, file.read()
