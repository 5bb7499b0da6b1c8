"""Where pages that the web no longer has may still be had: a file per kind of archive."""
