from typing import Any

def scan(
    lines: memoryview, first_row: int, limits: Any, keys: Any, open: Any, counts: Any, /
) -> tuple[int, int] | None: ...
