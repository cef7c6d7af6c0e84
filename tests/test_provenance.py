import pytest

from relatives import provenance


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
