"""The language of a text."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.extract import language
from webtext.extract.language import SURE, detect, fast, thorough
from webtext.sections import LANGUAGES

TEXTS = {
    "en": "Nobody in the village could remember a winter in which the harbour had been frozen for so long.",
    "de": "Niemand im Dorf konnte sich an einen Winter erinnern, in dem der Hafen so lange zugefroren war.",
    "fr": "Personne au village ne se souvenait d'un hiver où le port était resté gelé aussi longtemps.",
    "es": "Nadie en el pueblo recordaba un invierno en el que el puerto hubiera estado helado tanto tiempo.",
    "it": "Nessuno in paese ricordava un inverno in cui il porto fosse rimasto ghiacciato così a lungo.",
    "pt": "Ninguém na aldeia se lembrava de um inverno em que o porto tivesse ficado gelado tanto tempo.",
    "nl": "Niemand in het dorp kon zich een winter herinneren waarin de haven zo lang bevroren was geweest.",
    "sv": "Ingen i byn kunde minnas en vinter då hamnen hade varit frusen så länge som den här gången.",
    "pl": "Nikt we wsi nie pamiętał zimy, w której port byłby zamarznięty przez tak długi czas.",
    "cs": "Nikdo ve vesnici si nepamatoval zimu, ve které by byl přístav zamrzlý tak dlouho.",
    "tr": "Köyde hiç kimse limanın bu kadar uzun süre donmuş kaldığı bir kış hatırlamıyordu.",
    "ru": "Никто в деревне не мог припомнить зимы, когда гавань была скована льдом так долго.",
    "el": "Κανείς στο χωριό δεν θυμόταν χειμώνα που το λιμάνι να είχε μείνει παγωμένο τόσο πολύ.",
    "ar": "لم يستطع أحد في القرية أن يتذكر شتاء تجمد فيه الميناء لهذه المدة الطويلة",
    "he": "איש בכפר לא זכר חורף שבו הנמל היה קפוא במשך זמן רב כל כך",
    "hi": "गाँव में किसी को ऐसी सर्दी याद नहीं थी जिसमें बंदरगाह इतने लंबे समय तक जमा रहा हो",
    "ja": "港がこれほど長く凍りついていた冬を、村の誰も思い出すことができなかった。",
    "ko": "마을의 누구도 항구가 이렇게 오랫동안 얼어붙었던 겨울을 기억하지 못했다.",
    "zh": "村里没有人记得哪一年冬天港口会冰冻这么久，老人们也说从来没有见过这样的事情。",
    "vi": "Không ai trong làng có thể nhớ được một mùa đông nào mà bến cảng bị đóng băng lâu đến thế.",
}


@pytest.mark.parametrize("code", ["en", "de", "ru"])
def test_capital_letters_are_the_same_language(code: str) -> None:
    assert fast(TEXTS[code].upper()) == fast(TEXTS[code].lower())


@pytest.mark.parametrize("code", TEXTS)
def test_a_sentence_tells_its_language(code: str) -> None:
    found, score = detect(TEXTS[code])
    assert found == code
    assert score > 0.8


@pytest.mark.parametrize("text", ["", "12345 67", "\n - - \n", "https://example.org/en"])
def test_without_letters_there_is_no_language(text: str) -> None:
    assert detect(text) == ("", 0.0)


def test_the_whole_text_counts_not_its_beginning() -> None:
    found, score = detect(TEXTS["en"] * 3 + TEXTS["ru"] * 200)
    assert found == "ru"
    assert score > 0.8


def test_a_text_in_two_languages_is_not_surely_in_one() -> None:
    mixed = "\n".join(f"{TEXTS['en']}\n{TEXTS['de']}" for _ in range(50))
    assert detect(mixed)[1] < 0.99


def test_every_process_gives_the_same_answer() -> None:
    text = f"{TEXTS['pt']} {TEXTS['es']} {TEXTS['it']}"
    answers = {detect(text) for _ in range(5)}
    command = f"from webtext.extract.language import detect; print(detect({text!r}))"
    other = subprocess.run([sys.executable, "-c", command], capture_output=True, check=True, encoding="utf-8")
    assert {str(answer) for answer in answers} == {other.stdout.strip()}


def test_the_order_of_documents_changes_no_answer() -> None:
    texts = [*TEXTS.values(), f"{TEXTS['pt']} {TEXTS['es']} {TEXTS['it']}", "kort text", "ordo verborum"]
    assert [detect(text) for text in texts] == [detect(text) for text in reversed(texts)][::-1]


def test_a_clear_case_never_reaches_langdetect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "thorough", lambda _: pytest.fail("asked"))
    assert detect(TEXTS["en"])[0] == "en"


def test_where_the_fast_model_is_unsure_langdetect_decides() -> None:
    mixed = f"{TEXTS['pt']} {TEXTS['es']} {TEXTS['it']} {TEXTS['fr']}"
    assert fast(mixed)[1] < SURE
    assert detect(mixed) == thorough(mixed)


def test_addresses_are_in_no_language() -> None:
    addresses = "\n".join(
        f"https://example.org/the/quick/brown/fox/{n} who.is.this@example.org" for n in range(9)
    )
    assert detect(addresses) == ("", 0.0)


@given(st.text(max_size=300))
def test_any_text_has_one_answer_and_a_probability(text: str) -> None:
    code, score = detect(text)
    assert 0 <= score <= 1
    assert (code, score) == detect(text)


def test_the_thorough_answer_is_the_same_every_time() -> None:
    assert len({thorough("su casa ist good, e poi") for _ in range(10)}) == 1


def test_a_recipe_may_name_every_language_that_is_detected() -> None:
    guesses = language._model().detect(TEXTS["en"], model="lite", k=176, threshold=-1.0)
    fast_ones = {guess["lang"] for guess in guesses}
    thorough_ones = {code.partition("-")[0] for code in language._factory().get_lang_list()}
    detected = {language._SPELLINGS.get(code, code) for code in fast_ones | thorough_ones}
    assert detected | {"unknown"} == LANGUAGES
