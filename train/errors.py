"""The ways a training command ends early."""


class TrainError(Exception):
    """The user's input is wrong. The message says what, where, and what to do; exit code 2."""


class RunFailed(Exception):
    """A run broke half-way; its last checkpoint is whole and the same command resumes it; exit code 1."""


class Interrupted(KeyboardInterrupt):
    """A run was asked to stop, saved a checkpoint and can be resumed by the same command; exit code 130."""
