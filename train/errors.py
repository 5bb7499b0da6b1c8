"""The ways a training command ends early."""


def why(error: Exception) -> str:
    """An error of the system in its own words, without number and path."""
    return str(getattr(error, "strerror", None) or error)


class TrainError(Exception):
    """The user's input is wrong. The message says what, where, and what to do; exit code 2."""


class RunFailed(Exception):
    """A run broke half-way; its last checkpoint is whole and the same command resumes it; exit code 1."""


class Interrupted(KeyboardInterrupt):
    """A run was asked to stop, saved a checkpoint and can be resumed by the same command; exit code 130."""
