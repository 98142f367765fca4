"""The one exception whose text is meant for the person who started the job."""

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
