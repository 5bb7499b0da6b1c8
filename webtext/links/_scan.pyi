from typing import Any

def scan(
    lines: memoryview, limits: Any, keys: Any, open: Any, fields: Any, counts: Any, /
) -> tuple[int, int, int] | None: ...
