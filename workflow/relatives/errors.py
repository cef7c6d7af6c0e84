"""The one error that a user can mend."""


class InputError(Exception):
    """The input is at fault: a file, a setting, a table.

    Its message stands alone, without a traceback: it names the file or the key, says what is wrong in
    plain words and what to do about it.
    """
