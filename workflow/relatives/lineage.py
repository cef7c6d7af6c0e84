"""What the records tell of a file: what made it, from what, back to its sources, and if it still is that.

`tell` is the text of ``relatives provenance FILE``, `summary` what the report shows. The records themselves
are written by `records`.
"""

import json
import os
import textwrap
from collections.abc import Iterable
from pathlib import Path
from shlex import quote

from relatives import records
from relatives.errors import InputError

SHORT = 12
"""Hexadecimal digits of a hash that are shown."""

WIDTH = 110


def find(file: str | os.PathLike) -> tuple[Path, dict]:
    """The record of a file: by its place in a folder of results, or else by its content.

    Looked through are the folder of the file, the working directory, and those above them.

    Returns
    -------
    root : Path
        The folder that holds the ``results`` in which it was made.
    record : dict

    Raises
    ------
    InputError
        There is no such file, no records, or none of this file.
    """
    file = Path(file)
    if not file.is_file():
        raise InputError(f"{file}: there is no such file" + (", but a folder" if file.is_dir() else ""))
    absolute = Path(os.path.abspath(file))
    roots = dict.fromkeys(
        folder
        for start in (absolute.parent, Path.cwd())
        for folder in (start, *start.parents)
        if (folder / records.FOLDER).is_dir()
    )
    if not roots:
        raise InputError(
            f"{file}: neither its folder nor this one, nor one above, has {records.FOLDER}. Call the command "
            f"in the folder in which the pipeline ran."
        )
    for root in roots:
        record = records.read(absolute.relative_to(root), root) if absolute.is_relative_to(root) else None
        if record:
            return root, record
    found = records.hash_of(file)
    for root in roots:
        for record in records.every(root):
            if record["sha256"] == found:
                return root, record
    raise InputError(
        f"{file}: no record in {', '.join(str(root / records.FOLDER) for root in roots)} tells of this file "
        f"or of another with its content (sha256 {found[:SHORT]}…). It is not from the pipeline, was changed "
        f"after it was copied, or was made by a job that was killed before it could note it; one of results "
        f"or data is made again, with its record, by: snakemake --force PATH"
    )


def chain(outputs: Iterable[str], root: Path) -> dict[str, dict | None]:
    """The records of files and of all that they were made from, by path; None of a source, which has none."""
    found: dict[str, dict | None] = {}
    waiting = list(outputs)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = records.read(path, root)
            waiting.extend(found[path]["inputs"] if found[path] else [])
    return found


def steps(found: dict[str, dict | None]) -> dict[str, list[str]]:
    """The files of a `chain` by the rule that made them; a rule stands after all that it was fed by."""
    depths: dict[str, int] = {}

    def depth(path: str) -> int:
        if path not in depths:
            fed = found[path]["inputs"] if found[path] else ()
            depths[path] = 1 + max(map(depth, fed), default=0)
        return depths[path]

    rules: dict[str, list[str]] = {}
    for path in sorted(found, key=lambda path: (depth(path), path)):
        if found[path]:
            rules.setdefault(found[path]["rule"], []).append(path)
    last = {rule: max(map(depth, paths)) for rule, paths in rules.items()}
    return {rule: rules[rule] for rule in sorted(rules, key=last.get)}


def summary(outputs: Iterable[str], root: Path, corpora: Iterable[str]) -> dict:
    """What the report says of its origin.

    Parameters
    ----------
    outputs : iterable of str
        What the report is made from.
    root : Path
    corpora : iterable of str
        Those of the run.

    Returns
    -------
    dict
        ``configurations``, ``revisions``, ``seeds``, ``machines``: the different values among all records,
        as words with the number of files; ``unknown``: how many files of the pipeline have no record;
        ``corpora``: a row a corpus: corpus, source, files, sha256 (of what it was read from; of its
        audio, where the pipeline composed it).
    """
    found = chain(outputs, root)
    made = [record for record in found.values() if record]
    unknown = [path for path, record in found.items() if not record and _is_ours(path)]
    return {
        "configurations": _counted(record["configuration"] for record in made),
        "revisions": _counted(_revision(record) for record in made),
        "seeds": _counted(str(record["seed"]) for record in made),
        "machines": _counted(_machine(record) for record in made),
        "unknown": len(unknown),
        "corpora": [
            row
            for corpus in corpora
            for row in _corpus(corpus, found.get(f"data/corpora/{corpus}/tracks.parquet"), root)
        ],
    }


def tell(file: str | os.PathLike) -> tuple[str, bool]:
    """What is known of a file, in words, and whether it and all it was made from are what was recorded."""
    root, record = find(file)
    output = record["output"]
    now = records.hash_of(file)
    holds = now == record["sha256"]
    lines = [str(file)]
    if os.path.realpath(file) != os.path.realpath(root / output):
        lines += [f"  is a copy of {os.path.relpath(root / output)}"]
    if holds:
        lines += [f"  ✓ is what its record says: {record['size']:,} bytes, sha256 {now[:SHORT]}…"]
    else:
        lines += [
            f"  ✗ is NOT what its record says: sha256 {now[:SHORT]}…, recorded {record['sha256'][:SHORT]}…",
            "    It was changed afterwards, or written by a job that was killed before it could note it.",
            f"    To make it again: snakemake --force {output}",
        ]
    lines += ["", *_made(record)]
    found = chain([output], root)
    told, intact = _steps(record, found, root)
    lines += ["", "From the sources to this file:", *told]
    told, same = _sources(found, root)
    return "\n".join([*lines, "", "Sources from outside:", *told]), holds and intact and same


def _made(record: dict) -> list[str]:
    """How a file was made, a line a thing."""
    words = {
        "rule": _call(record),
        "code": f"{record['code']}, {_revision(record)}",
        "configuration": records.configuration_place(record["configuration"][:SHORT] + "*").as_posix(),
        "seed": str(record["seed"]),
        "parameters": _short(", ".join(f"{name}={json.dumps(v)}" for name, v in record["params"].items())),
        "versions": ", ".join(f"{name} {number}" for name, number in record["versions"].items() if number),
        "lock file": f"sha256 {record['requirements'][:SHORT]}…" if record["requirements"] else "not there",
        "machine": _machine(record),
    }
    return [
        line
        for name, value in words.items()
        if value
        for line in textwrap.wrap(
            value, WIDTH, initial_indent=f"  {name:<14}", subsequent_indent=16 * " ", break_on_hyphens=False
        )
    ]


def _steps(last: dict, found: dict[str, dict | None], root: Path) -> tuple[list[str], bool]:
    """A line a rule, with what differs from the last one; and whether all is as it was."""
    lines, intact = [], True
    fed = {path: digest for record in found.values() if record for path, digest in record["inputs"].items()}
    unknown = [path for path, record in found.items() if not record and _is_ours(path)]
    for rule, paths in steps(found).items():
        made = [found[path] for path in paths]
        lines.append(f"  {rule:<22}{_count(len(paths), 'file'):>10}  {fold(paths)}")
        changed = [path for path in paths if records.digest(path, root) not in (found[path]["sha256"], None)]
        again = [path for path in paths if path in fed and fed[path] != found[path]["sha256"]]
        missing = [path for path in paths if not (root / path).is_file()]
        notes = [
            *(f"✗ changed since: {fold([path])}" for path in changed),
            *(f"✗ made again since it was used: {fold([path])}" for path in again if path not in changed),
        ]
        if missing:
            notes.append(f"{_count(len(missing), 'file')} no longer there: {fold(missing)}")
        intact &= not changed and not again
        for other in {record["configuration"] for record in made} - {last["configuration"]}:
            notes.append(f"under configuration {other[:SHORT]}…: {_differences(other, last, root)}")
        for other in {_revision(record) for record in made} - {_revision(last)}:
            notes.append(f"by {other}")
        lines += [f"    {note}" for note in notes]
    if unknown:
        lines.append(f"  ✗ without a record: {fold(unknown)}")
    return lines, intact and not unknown


def _sources(found: dict[str, dict | None], root: Path) -> tuple[list[str], bool]:
    """A line a source, which no rule made; and whether those that were inputs are as they were."""
    lines, same = [], True
    inputs = {
        path: digest for record in found.values() if record for path, digest in record["inputs"].items()
    }
    alike: dict[Path, list[str]] = {}
    for path in sorted(path for path, record in found.items() if not record and not _is_ours(path)):
        now = records.digest(path, root)
        same &= now in (inputs[path], None)
        if now == inputs[path]:
            alike.setdefault(Path(path).parent, []).append(path)
        else:
            state = "no longer there" if now is None else "changed since"
            lines.append(f"  ✗ {state}: {path}, then sha256 {inputs[path][:SHORT]}…")
    for paths in alike.values():
        content = f"sha256 {inputs[paths[0]][:SHORT]}…" if len(paths) == 1 else _count(len(paths), "file")
        lines.append(f"  ✓ {fold(paths)}, {content}")
    kept = {
        (source["path"], source["sha256"]): source
        for record in found.values()
        if record
        for source in record["sources"]
    }
    for _, source in sorted(kept.items()):
        lines.append(
            f"  {source['path']}: {_count(source['files'], 'file')}, {source['bytes']:,} bytes, "
            f"sha256 {source['sha256'][:SHORT]}…"
        )
        path = Path(source["path"])
        folder, listing = path if path.is_dir() else path.parent, root.absolute() / source["listing"]
        lines.append(f"    to check: cd {quote(str(folder))} && sha256sum --check {quote(str(listing))}")
    composed = [
        record["wildcards"]["corpus"]
        for record in found.values()
        if record and record["rule"] == "corpus" and not record["sources"]
    ]
    if composed:
        names = ", ".join(sorted(set(composed)))
        lines.append(f"  none for {names}: composed by the pipeline from its seed")
    return lines or ["  none"], same


def _corpus(name: str, record: dict | None, root: Path) -> list[dict]:
    """The row of a corpus in the summary; none without its record."""
    if record is None:
        return []
    row = {"corpus": name, "source": record["params"]["settings"]["source"]}
    if record["sources"]:
        source = record["sources"][0]
        return [row | {"files": source["files"], "sha256": source["sha256"]}]
    audio = records.read(f"data/corpora/{name}/audio.i16", root)
    return [row | {"files": None, "sha256": audio["sha256"] if audio else None}]


def fold(paths: list[str]) -> str:
    """Paths in one line: ``distances/{dtw,simple}/*.npy``.

    Examples
    --------
    >>> fold(["a/x/1.npy", "a/y/1.npy"])
    'a/{x,y}/1.npy'
    """
    levels: dict[int, list[tuple[str, ...]]] = {}
    for path in paths:
        levels.setdefault(path.count("/"), []).append(tuple(path.split("/")))
    return "  ".join("/".join(map(_folded, zip(*parts, strict=True))) for parts in levels.values())


def _folded(names: tuple[str, ...]) -> str:
    different = sorted(set(names))
    if len(different) == 1:
        return different[0]
    if len(different) <= 3:
        return f"{{{','.join(different)}}}"
    suffixes = {Path(name).suffix for name in different}
    return f"*{suffixes.pop()}" if len(suffixes) == 1 else "*"


def _differences(other: str, last: dict, root: Path) -> str:
    """The settings in which two kept configurations differ, by their keys."""
    try:
        one, two = (
            json.loads(records.configuration_place(found, root).read_text())
            for found in (other, last["configuration"])
        )
    except (OSError, ValueError):
        return "it was not kept"
    return "other " + ", ".join(_different(one, two))


def _different(one: object, two: object, key: str = "") -> list[str]:
    if isinstance(one, dict) and isinstance(two, dict):
        return [
            found
            for name in sorted(one.keys() | two.keys())
            for found in _different(one.get(name), two.get(name), f"{key}.{name}" if key else name)
        ]
    return [] if one == two else [key]


def _is_ours(path: str) -> bool:
    """Whether the pipeline makes such a file."""
    return Path(path).parts[0] in ("data", "results")


def _call(record: dict) -> str:
    words = [record["rule"], *(f"{name}={value}" for name, value in record["wildcards"].items())]
    return " ".join(words)


def _revision(record: dict) -> str:
    if record["revision"] is None:
        return f"relatives {record['relatives']}, not from git"
    changed = ", modified" if record["modified"] else ""
    return f"revision {record['revision'][:SHORT]}{changed}"


def _machine(record: dict) -> str:
    return ", ".join(filter(None, record["machine"].values()))


def _counted(values: Iterable[str]) -> list[tuple[str, int]]:
    """Different values with how often each is there, the commonest first."""
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _short(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
