"""The two ways a command may end badly; everything else may crash loudly."""


class UserError(Exception):
    """The user's input is wrong: one line that says what, where, and what to do. Exit code 2."""


class RunFailed(Exception):
    """A run stopped half-way and can be resumed by the same command. Exit code 1."""
