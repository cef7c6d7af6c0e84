"""Which code made a file.

Snakemake re-runs a rule when its script changes, but a script here is a few lines that call the package.
`fingerprint` follows the imports from a script through the package, so that a rule that carries it among its
parameters is re-run when any module that it stands on changes, and only then.
"""

import ast
import functools
import hashlib
from pathlib import Path

PACKAGE = Path(__file__).parent
SCRIPTS = PACKAGE.parent / "scripts"

# How a job is started, checked and logged has no part in what it computes
PLUMBING = {"__init__.py", "configuration.py", "errors.py", "files.py", "jobs.py", "provenance.py"}


def fingerprint(*starts: str) -> str:
    """Twelve hexadecimal digits that change with the code of `starts` or of any module they import.

    Comments, docstrings and layout do not count: they are not in the syntax tree that is hashed.

    Parameters
    ----------
    *starts
        A script by its name (``"transform"``), or a module of the package by its dotted name
        (``"relatives.figures.fig06"``), for what a script loads by name.
    """
    found: set[Path] = set()
    waiting = [file for start in starts for file in _files(start)]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting.extend(_read(file)[1])
    digest = hashlib.sha256()
    for file in sorted(found):
        digest.update(f"{file.relative_to(PACKAGE.parent)} {_read(file)[0]}\n".encode())
    return digest.hexdigest()[:12]


@functools.cache
def _read(file: Path) -> tuple[str, frozenset[Path]]:
    """The hash of a file's code and the files of the package that it imports."""
    tree = ast.parse(file.read_text())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(file.relative_to(PACKAGE.parent).parts[: -node.level]) if node.level else ""
            module = ".".join(filter(None, (package, node.module)))
            names.update(f"{module}.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body[0] = ast.Pass()
    code = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return code, frozenset(file for name in names for file in _files(name))


def _files(name: str) -> list[Path]:
    """The files of the package that importing `name` runs; the file of a script for a bare name."""
    first, *parts = name.split(".")
    if first != "relatives":
        script = SCRIPTS / f"{name}.py"
        return [script] if script.is_file() else []
    files = []
    folder = PACKAGE
    for part in parts:
        files += [file for file in (folder / part / "__init__.py", folder / f"{part}.py") if file.is_file()]
        folder = folder / part
    return [file for file in files if str(file.relative_to(PACKAGE)) not in PLUMBING]
