"""Object stores that fail: asked again for a minute, then told in words that say what to do."""

import random
import re
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

from webtext.errors import RunFailed, UserError
from webtext.unseen import one_line

Result = TypeVar("Result")

GIVE_UP_S = 60.0  # after which a store that fails is left alone
KNOWN = ("s3", "gs")  # whose errors are told from those of what reads their objects
BRIEFLY_S = 2.0  # for what a command that ends badly has to tell
SILENT_S = 3.0  # for which nobody is told
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 10.0
_THREAD = threading.local()  # failing, give_up_s: of its question
_ASKING = set[int]()  # threads
_AWS_ERROR = re.compile(r"AWS Error (\w+|\[code \d+\])(?: \(HTTP status (\d+)\))?")
# How it tells what it has no code of its own for, such as a server's disk that is full.
_AWS_NAME = re.compile(r"ExceptionName: (\w+)|\[code \d+\] during \w+ operation: ([^(\n]*)")
_GOOGLE_ERROR = re.compile(r"google::cloud::Status\(\w+: (?:.* last message of )?(.*?) error_info")
_NOT_FOUND = re.compile("Bucket '.*' not found")
NO_BUCKET = "no such bucket; check its name"
NO_S3_BUCKET = f"{NO_BUCKET}, and AWS_ENDPOINT_URL for a server other than Amazon's"
_REFUSED = ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "UNRECOGNIZED_CLIENT")
_REFUSED_ELSEWHERE = re.compile(
    "ExpiredToken|PERMISSION_DENIED|UNAUTHENTICATED|AuthenticationFailed|AuthorizationFail|OAuth2 access"
)
_CANNOT_HELP = re.compile(r"HTTP status (?:401|403|405|411|412|501)\b")
# What S3 answers to a HEAD has no body that could name the error.
_REFUSED_UNNAMED = re.compile(
    r"HTTP status (?:301\)|400\).*(?:No response body|InvalidToken|AuthorizationHeaderMalformed))"
)


def ask(address: str, question: Callable[[], Result], *, parsing: bool = False) -> Result:
    """What a store says to the question, which is asked again for a minute, with growing pauses, while it
    fails; then RunFailed names the address. A Ctrl-C is heard meanwhile.

    Raises at once UserError where the store refuses, RunFailed where it is full, and as it is an error that
    has an errno (this machine's disk fails), or says that there is no such object. Of a question that is
    `parsing` what it is given, any error that is not a store's is raised as it is, too: that is damaged.
    """
    started, wait_s, silent = time.monotonic(), FIRST_WAIT_S, True
    try:
        while True:
            try:
                return _answer(question)
            except OSError as error:
                waited_s = time.monotonic() - started
                _require_hope(address, error, waited_s, parsing)
                if silent and waited_s > SILENT_S:
                    again = f"asked again for {GIVE_UP_S:.0f} s"
                    print(one_line(f"webtext: {address}: {told(error)}; {again}"), file=sys.stderr)
                    silent = False
            _THREAD.failing = True
            time.sleep(wait_s * random.uniform(0.5, 1))
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
    finally:
        _THREAD.failing = False


def _require_hope(address: str, error: OSError, waited_s: float, parsing: bool) -> None:
    """Raises what ends a question."""
    if error.errno is not None or isinstance(error, FileNotFoundError):
        raise error
    if (refused := refusal(error)) is not None:
        raise UserError(f"{address}: {refused}") from None
    if parsing and not is_of_a_store(error):
        raise error
    if waited_s > getattr(_THREAD, "give_up_s", GIVE_UP_S) or is_full(error):
        raise RunFailed(f"{address}: {told(error)}") from None


def _answer(question: Callable[[], Result]) -> Result:
    """The main thread lets another one ask, and waits for it: no library's code hears a Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        return _asked(question)
    answer: Future[Result] = Future()

    def ask() -> None:
        try:
            answer.set_result(_asked(question))
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return answer.result()


def _asked(question: Callable[[], Result]) -> Result:
    _ASKING.add(threading.get_ident())
    try:
        return question()
    finally:
        _ASKING.discard(threading.get_ident())


def briefly(question: Callable[[], object]) -> None:
    """Asks what a command that ends badly asks last: for two seconds, whatever comes of it."""

    def ask() -> None:
        _THREAD.give_up_s = BRIEFLY_S
        with suppress(Exception):  # the command's own end is told
            question()

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(BRIEFLY_S)


def is_failing() -> bool:
    """Whether a store has failed to answer the question at which this thread is."""
    return getattr(_THREAD, "failing", False)


def is_asking() -> bool:
    """Whether a question waits for its answer, in any thread."""
    return bool(_ASKING)


def told(error: OSError) -> str:
    """What an object store's error means for the user."""
    if (refused := refusal(error)) is not None:
        return refused
    if (match := _AWS_ERROR.search(str(error))) is None:
        said = match[1] if (match := _GOOGLE_ERROR.search(str(error))) else str(error).partition("\n")[0]
        return f"{said}; check the network"
    what = "the store is full: make room there"
    if not is_full(error):
        what = "check the network, AWS_ENDPOINT_URL and AWS_REGION"
    return f"{_said(match, error)}; {what}"


def is_full(error: OSError) -> bool:
    """Whether a store has no room for what is put there."""
    return "HTTP status 507" in str(error)


def refusal(error: OSError) -> str | None:
    """What the error means, as `told` says it, where asking again cannot help; None for any other error."""
    match = _AWS_ERROR.search(str(error))
    code = match[1] if match else ""
    if code == "NO_SUCH_BUCKET" or _NOT_FOUND.search(str(error)):
        return NO_S3_BUCKET
    if code in _REFUSED:
        return "access denied; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    if _REFUSED_ELSEWHERE.search(str(error)):
        return "access denied; renew the credentials that this store's own tools use"
    if code == "REQUEST_TIME_TOO_SKEWED":
        return "refused (request time too skewed): this machine's clock is wrong; set it"
    if match and _CANNOT_HELP.search(str(error)):
        return (
            f"refused ({_said(match, error)}): not what this store does for you; check AWS_ENDPOINT_URL, and "
            "the bucket's policy and quota"
        )
    if match and _REFUSED_UNNAMED.search(str(error)):
        return (
            f"refused (HTTP status {match[2]}): expired or wrong credentials, or a bucket of another region; "
            "renew the credentials, or set AWS_REGION"
        )
    return None


def is_of_a_store(error: OSError) -> bool:
    """Whether an object store's client raised it, and not this machine's disk."""
    return "google::cloud::Status" in str(error) or _AWS_ERROR.search(str(error)) is not None


def _said(match: re.Match[str], error: OSError) -> str:
    """What an S3 store calls its error."""
    said = f"HTTP status {match[2]}" if match[2] else match[1].replace("_", " ").lower()
    if named := _AWS_NAME.search(str(error)):
        said += f", {(named[1] or named[2]).strip()}"
    return said
