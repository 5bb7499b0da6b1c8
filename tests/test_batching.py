from webtext.batching import batches


def test_a_batch_ends_with_the_text_that_makes_it_large_enough() -> None:
    assert list(batches(["ab", "c", "defg", "h"], 3)) == [["ab", "c"], ["defg"], ["h"]]


def test_of_no_texts_there_is_no_batch() -> None:
    assert list(batches([], 3)) == []
