"""The exceptions whose text is meant for the person who started the job."""

BAD_INPUT = 2  # exit code


class UserError(Exception):
    """A mistake in an input or a parameter: where it is, and what was expected there.

    The door prints it as one line and exits with 2; pages show it beside the field.
    `where` names a parameter, an input, a file or a row ("perturbed", "edges.csv row 41").
    """

    def __init__(self, where: str, expected: str):
        super().__init__(f"{where}: {expected}")
        self.where = where
        self.expected = expected


class Failure(Exception):
    """What failed through no input's fault, and is known: a tool that crashed, a limit of it.

    The door writes `details` to the job's log, prints the one line and exits with 1: a traceback
    would tell of our code, where there is nothing to find.
    """

    def __init__(self, said: str, details: str = ""):
        super().__init__(said)
        self.details = details
