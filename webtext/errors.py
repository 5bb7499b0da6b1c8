"""The two ways a command may end badly; everything else may crash loudly."""


class UserError(Exception):
    """The user's input is wrong: one line that says what, where, and what to do. Exit code 2."""


class RunFailed(Exception):
    """A run stopped half-way and can be resumed by the same command. Exit code 1."""


ENDINGS = (UserError, RunFailed)  # of a command, whatever else is caught around what raised them


class RunRefused(RunFailed):
    """A run stopped half-way in a way of which the message itself says what lets it go on. Exit code 1."""


def why(error: Exception) -> str:
    """An error of the system in its own words, without number and path."""
    return str(getattr(error, "strerror", None) or error)
