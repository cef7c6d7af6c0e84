"""The one error that a user can mend."""

import re

STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line separators, embeddings and overrides of the direction, halves of characters."""

LONGEST = 5000
"""Characters of a name: more than a path may have."""


class InputError(Exception):
    """The input is at fault: a file, a setting, a table.

    Its message stands alone, without a traceback: it names the file or the key, says what is wrong in
    plain words and what to do about it.
    """


def shown(name: object) -> str:
    r"""A name from the data as it may stand in a message: on one line, with escapes for what steers a
    terminal or turns the direction of writing.

    Examples
    --------
    >>> shown("two\nlines")
    'two\\nlines'
    """
    text = str(name)
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"
    return STEERING.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
