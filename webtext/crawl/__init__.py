import logging

# warcio warns of URLs with a space, one line a record, of strangers' making; those are read all the same.
logging.getLogger("warcio").addHandler(logging.NullHandler())
