from webtext.fingerprint import fingerprint, fingerprint_of_each


def test_each_fingerprint_of_many_is_that_of_its_own() -> None:
    shared, lasts = {"archives": [["a.warc.gz", 1]], "ö": None}, ["x", {"y": 2}, ""]
    assert list(fingerprint_of_each(lasts, 1, shared)) == [fingerprint(1, shared, last) for last in lasts]
