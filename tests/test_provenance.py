import ast
from pathlib import Path

import pytest

from relatives import provenance

TAKEN = {
    "errors": {"InputError", "shown"},  # words of messages and of skipped.csv
    "faults": {"OF_DISK", "explain"},  # words of messages
    "files": {"replacing"},  # where a file is put, not what is in it
    "jobs": {"run", "progress"},  # the start of a script; a bar in the log
    "provenance": {"module_found", "of_module", "of_files"},  # digests, which are parameters of rules
}
"""What the code of a job takes from the modules that no fingerprint covers, and why none of it makes data."""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of three modules, `upper` on `lower` on a package, and a script that imports `upper`."""
    folder = tmp_path / "relatives"
    (folder / "deep").mkdir(parents=True)
    (tmp_path / "scripts").mkdir()
    (folder / "__init__.py").write_text("__version__ = '1'")
    (folder / "upper.py").write_text("import numpy\n\nfrom relatives.deep import lower\n")
    (folder / "deep" / "__init__.py").write_text("from .helper import number\n")
    (folder / "deep" / "lower.py").write_text("def f():\n    '''Old words.'''\n    return 1\n")
    (folder / "deep" / "helper.py").write_text("number = 1\n")
    (folder / "other.py").write_text("x = 1\n")
    (tmp_path / "scripts" / "script.py").write_text("from relatives import upper\n")
    monkeypatch.setattr(provenance, "PACKAGE", folder)
    monkeypatch.setattr(provenance, "SCRIPTS", tmp_path / "scripts")
    provenance._read.cache_clear()
    yield folder
    provenance._read.cache_clear()


def fingerprint_after(path, text):
    path.write_text(text)
    provenance._read.cache_clear()
    return provenance.fingerprint("script")


def test_it_follows_imports_however_deep(package):
    before = provenance.fingerprint("script")
    assert fingerprint_after(package / "deep" / "lower.py", "def f():\n    return 2\n") != before


def test_it_follows_relative_imports_and_packages(package):
    before = provenance.fingerprint("script")
    assert fingerprint_after(package / "deep" / "helper.py", "number = 2\n") != before


def test_other_modules_and_the_version_do_not_count(package):
    before = provenance.fingerprint("script")
    assert fingerprint_after(package / "other.py", "x = 2\n") == before
    assert fingerprint_after(package / "__init__.py", "__version__ = '2'") == before


def test_comments_and_docstrings_do_not_count(package):
    before = provenance.fingerprint("script")
    words = "# Why\ndef f():\n    '''New words.'''\n\n    return 1\n"
    assert fingerprint_after(package / "deep" / "lower.py", words) == before


def test_a_module_loaded_by_name_can_be_added(package):
    assert provenance.fingerprint("script", "relatives.other") != provenance.fingerprint("script")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("array[magnitude] for array in self.arrays", "array[magnitude] for array in self.arrays[::-1]"),
        ("np.float32, shape", "np.float64, shape"),
    ],
)
def test_how_data_is_read_and_written_counts(monkeypatch, name, change):
    before = provenance.fingerprint("distances")
    storage = provenance.PACKAGE / "storage.py"
    read_bytes = Path.read_bytes
    assert name in storage.read_text()

    def changed(path):
        content = read_bytes(path)
        return content.replace(name.encode(), change.encode()) if path == storage else content

    monkeypatch.setattr(Path, "read_bytes", changed)
    provenance._read.cache_clear()
    after = provenance.fingerprint("distances")
    monkeypatch.undo()
    provenance._read.cache_clear()
    assert before != after
    assert provenance.fingerprint("distances") == before


def test_the_words_of_the_report_on_provenance_count():
    lineage = provenance.PACKAGE / "lineage.py"
    assert lineage in provenance._files("relatives.lineage.summary")


def taken_from_plumbing(file):
    """What a file takes from modules without a fingerprint: module and name."""
    modules = {name.removesuffix(".py") for name in provenance.PLUMBING}
    tree = ast.parse(file.read_text())
    whole = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "relatives":
            whole |= {alias.asname or alias.name for alias in node.names} & modules
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("relatives."):
            module = node.module.removeprefix("relatives.")
            if module in modules:
                yield from ((module, alias.name) for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in whole:
            yield node.value.id, node.attr


def test_nothing_without_a_fingerprint_makes_data():
    package = provenance.PACKAGE
    # The command `relatives` makes no file of the pipeline; `lineage` reads the records for the report
    apart = {*provenance.PLUMBING, "cli.py", "lineage.py"}
    files = [file for file in package.rglob("*.py") if file.relative_to(package).as_posix() not in apart]
    files += provenance.SCRIPTS.glob("*.py")
    found = {(*taken, file.name) for file in files for taken in taken_from_plumbing(file)}
    assert {"jobs", "files", "errors"} <= {module for module, _, _ in found}
    assert [taken for taken in found if taken[1] not in TAKEN.get(taken[0], set())] == []
