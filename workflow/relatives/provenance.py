"""Which code made a file.

Snakemake re-runs a rule when its script changes, but a script here is a few lines that call the package.
`fingerprint` follows the imports from a script through the package, so that a rule that carries it among its
parameters is re-run when any module that it stands on changes, and only then. `of_module` does the same for
a module of the user's own, `of_files` for files that hold no code.
"""

import ast
import functools
import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

PACKAGE = Path(__file__).parent
SCRIPTS = PACKAGE.parent / "scripts"

# How a job is started, checked, logged and recorded has no part in what it computes. tests/test_provenance.py
# lists what the code of a job takes from these modules, and why none of it makes data
PLUMBING = {
    f"{name}.py"
    for name in (
        "__init__", "configuration", "errors", "faults", "files", "jobs", "provenance", "records", "running",
        "startup",
    )
}  # fmt: skip


def fingerprint(*starts: str) -> str:
    """Twelve hexadecimal digits that change with the code of `starts` or of any module they import.

    Comments, docstrings and layout do not count: they are not in the syntax tree that is hashed.

    Parameters
    ----------
    *starts
        A script by its name (``"transform"``), or a module of the package by its dotted name
        (``"relatives.figures.fig06"``), for what a script loads by name.
    """
    return _digest(PACKAGE.parent, [file for start in starts for file in _files(start)], _files)[:12]


def of_module(name: str) -> str:
    """Twelve hexadecimal digits that change with the code of a user's module, which is not imported for it.

    With it count the modules that it imports out of its own package or, if it lies in the working directory,
    from there. A module that is not there, or no Python, is for its import to complain of.
    """
    top = name.partition(".")[0]
    spec = _spec(top)
    if spec is None or spec.origin is None:
        return "nowhere"
    file = Path(spec.origin)
    root = file.parents[1] if file.name == "__init__.py" else file.parent
    beside = root == Path.cwd()

    def files(name: str) -> list[Path]:
        return _modules(root, name) if beside or name.partition(".")[0] == top else []

    return _digest(root, files(name), files)[:12]


def module_found(name: str) -> bool:
    """Whether the first part of a module's name is there to import, installed or in the working directory."""
    return _spec(name.partition(".")[0]) is not None


def of_files(files: Iterable[str | os.PathLike]) -> str:
    """Twelve hexadecimal digits that change with the names, sizes and times of files."""
    digest = hashlib.sha256()
    for file in files:
        try:
            status = os.stat(file)
        except OSError:  # it is gone, or a link to nowhere: who reads it will say so
            continue
        line = f"{file} {status.st_size} {status.st_mtime_ns}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()[:12]


def _spec(top: str):
    """Where an import would find a module without dots, the working directory first; None: nowhere."""
    sys.path.insert(0, os.getcwd())
    try:
        importlib.invalidate_caches()
        return importlib.util.find_spec(top)
    except (ImportError, ValueError):  # no name of a module; a module without a spec, such as __main__
        return None
    finally:
        sys.path.pop(0)


def _digest(root: Path, waiting: list[Path], files: Callable[[str], list[Path]]) -> str:
    """The hash of the code of files below `root` and of what they import, which `files` finds by name."""
    found: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting.extend(file for name in _read(file, root)[1] for file in files(name))
    digest = hashlib.sha256()
    for file in sorted(found):
        digest.update(f"{file.relative_to(root)} {_read(file, root)[0]}\n".encode())
    return digest.hexdigest()


@functools.cache
def _read(file: Path, root: Path) -> tuple[str, frozenset[str]]:
    """The hash of a file's code and the names of all that it imports."""
    source = file.read_bytes()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return hashlib.sha256(source).hexdigest(), frozenset()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(file.relative_to(root).parts[: -node.level]) if node.level else ""
            module = ".".join(filter(None, (package, node.module)))
            names.update(f"{module}.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body[0] = ast.Pass()
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), frozenset(names)


def _files(name: str) -> list[Path]:
    """The files of the package that importing `name` runs; the file of a script for a bare name."""
    if name.partition(".")[0] != "relatives":
        script = SCRIPTS / f"{name}.py"
        return [script] if script.is_file() else []
    files = _modules(PACKAGE.parent, name)
    return [file for file in files if str(file.relative_to(PACKAGE)) not in PLUMBING]


def _modules(root: Path, name: str) -> list[Path]:
    """The files that importing `name` runs, of a package or module that lies in `root`."""
    files = []
    folder = root
    for part in name.split("."):
        files += [file for file in (folder / part / "__init__.py", folder / f"{part}.py") if file.is_file()]
        folder = folder / part
    return files
