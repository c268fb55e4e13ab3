"""Every option that names a file that is written, with every kind of path that a stranger may give it."""

from __future__ import annotations

import os
import resource
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from benchmarks.abuse.attack import Attack, Files, command

import levinthal

STUDY = "toy-study"
RUN = "study run toy_study.py --workers 1 --device cpu"
REPORT = "study report toy_study.py"
TREAT = "check train.py:problem --treat --seeds 3 --seconds 1 --steps 5"
PROBLEM = """import torch
from levinthal import Problem

x = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
problem = Problem(
    model=lambda: torch.nn.Linear(4, 2),
    loss=torch.nn.functional.cross_entropy,
    train=(x, (x[:, 0] > 0).long()),
    optimizer=lambda model: torch.optim.SGD(model.parameters(), 0.1),
    steps=5,
)
"""
MINE = "what I wrote\n"
WRITTEN, REFUSED = frozenset({0, 1, 3, 4}), frozenset({2})


@cache
def study() -> str:
    """The text of a study that runs in a second."""
    from levinthal.cli.new_study import skeleton

    text = skeleton(STUDY, "computed").replace("LAYERS = 400", "LAYERS = 4")
    return text.replace("(16, 64, 256)", "(16, 64)").replace("width=256", "width=64")


@cache
def store() -> bytes:
    """A store that holds its runs."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "toy_study.py").write_text(study(), encoding="utf-8")
        words = [sys.executable, "-m", "levinthal", *RUN.split(), "--store", "store.sqlite"]
        environment = os.environ | {"PYTHONPATH": str(Path(levinthal.__file__).parent.parent)}
        subprocess.run(words, cwd=folder, check=True, capture_output=True, env=environment)
        return Path(folder, "store.sqlite").read_bytes()


@dataclass(frozen=True, slots=True)
class Option:
    """An option that names a file, and the command that it belongs to.

    Attributes:
        name: The option.
        line: The command without it.
        kind: `file`, `folder` or `store`.
        suffix: How a file of its kind is called.
    """

    name: str
    line: str
    kind: str = "file"
    suffix: str = ".html"

    def with_path(self, path: str) -> str:
        """The whole command."""
        return f"{self.line} {self.name}={shlex.quote(path)}"

    @property
    def title(self) -> str:
        """Command and option."""
        return f"{' '.join(self.line.split()[:2])} {self.name}".replace(" train.py:problem", "")


OPTIONS = (
    Option("--output", f"{RUN} --store=results/store.sqlite"),
    Option("--store", f"{RUN} --output=results/page.html", "store", ".sqlite"),
    Option("--output", f"{REPORT} --store=store.sqlite"),
    Option("--csv", f"{REPORT} --store=store.sqlite --output=results/page.html", suffix=".csv"),
    Option("--markdown", f"{REPORT} --store=store.sqlite --output=results/page.html", suffix=".md"),
    Option("--svg", f"{REPORT} --store=store.sqlite --output=results/page.html", "folder", ""),
    Option("--output", "study register toy_study.py", suffix=".json"),
    Option("--folder", "study new new-study", "folder", ""),
    Option("--output", "check train.py:problem --steps 5"),
    Option("--keep", TREAT, suffix=".jsonl"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of path.

    Attributes:
        name: What it is.
        path: The text that is given; `{}` stands for the suffix.
        make: What is made there before.
        codes: What may come back.
        kept: What must stay as it was.
        lands: Where the file has to be afterwards, if it was written.
        kinds: Of which options.
    """

    name: str
    path: str
    make: Callable[[Path], object] | None = None
    codes: frozenset[int] = REFUSED
    kept: tuple[str, ...] = ()
    lands: str = ""
    kinds: tuple[str, ...] = ("file", "store", "folder")


def _fifo(name: str, folder: Path) -> None:
    os.mkfifo(folder / name)


def _socket(name: str, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = os.getcwd()
        os.chdir(folder)  # the name of a socket has at most 107 characters
        made.bind(name)
        os.chdir(here)


def _link(name: str, target: str, folder: Path) -> None:
    (folder / name).symlink_to(target)


def _folder(name: str, folder: Path) -> None:
    (folder / name).mkdir(parents=True)


def _file(name: str, folder: Path) -> None:
    (folder / name).write_text(MINE, encoding="utf-8")


def _linked_file(folder: Path) -> None:
    _file("theirs", folder)
    _link("x", "theirs", folder)


def _hard_link(folder: Path) -> None:
    _file("theirs", folder)
    os.link(folder / "theirs", folder / "x")


def _loop(folder: Path) -> None:
    _link("x", "y", folder)
    _link("y", "x", folder)


def _link_to_folder(folder: Path) -> None:
    _folder("there", folder)
    _link("in", "there", folder)


F, FS = ("file",), ("file", "store")
EITHER = WRITTEN | REFUSED
PLACES = (
    Place("a device", "/dev/null"),
    Place("a full device", "/dev/full"),
    Place("an endless device", "/dev/zero"),
    Place("stdout", "/dev/stdout"),
    Place("an open file", "/proc/self/fd/1"),
    Place("/proc", "/proc/x{}"),
    Place("/sys", "/sys/x{}"),
    Place("a FIFO", "x", partial(_fifo, "x"), kept=("x",)),
    Place("a socket", "x", partial(_socket, "x"), kept=("x",)),
    Place("a folder", "x", partial(_folder, "x"), kinds=FS),
    Place("a folder that has a file", "x", partial(_folder, "x/y"), kinds=FS),
    Place("this folder", ".", kinds=FS),
    Place("the folder above", "..", kinds=FS),
    Place("the root", "/", kinds=FS),
    Place("a link to a file", "x", _linked_file, kept=("x", "theirs")),
    Place("a link to nothing", "x", partial(_link, "x", "new{}"), EITHER, lands="new", kinds=FS),
    Place("a link to nothing in no folder", "x", partial(_link, "x", "a/new"), EITHER, kinds=FS),
    Place("a link to a device", "x", partial(_link, "x", "/dev/null"), kept=("x",)),
    Place("a loop of links", "x", _loop, kept=("x", "y")),
    Place("a hard link", "x", _hard_link, kept=("x", "theirs")),
    Place("in a linked folder", "in/x{}", _link_to_folder, WRITTEN, lands="there/x{}", kinds=FS),
    Place("a file of mine", "x{}", partial(_file, "x{}"), kept=("x{}",)),
    Place("below a file", "x/y{}", partial(_file, "x"), kept=("x",)),
    Place("of 300 characters", "x" * 300),
    Place("of 235 characters", "x" * 235, None, WRITTEN, lands="x" * 235, kinds=F),
    Place("deep, of 5,000 characters", "x/" * 2500 + "y"),
    Place("of no user", "~nobody-such/x{}"),
    Place("at home", "~/x{}", None, WRITTEN, lands="x{}", kinds=FS),
    Place("empty", ""),
    Place("a blank", " "),
    Place("with a slash at the end", "x/", kinds=FS),
    Place("a folder that is not there, with a dot", "x/.", kinds=FS),
    Place("with a newline", "a\nb{}"),
    Place("with an escape", "a\x1b[31mb{}"),
    Place("with a reversed direction", "a\u202eb{}"),
    Place("with a NUL", "a\x00b{}"),
    Place("with a lone surrogate", "a\udcffb{}", None, EITHER),
    Place("with a leading dash", "-x{}", None, WRITTEN, lands="-x{}", kinds=FS),
    Place("with blanks and letters of others", "é 漢 𝒳{}", None, WRITTEN, lands="é 漢 𝒳{}", kinds=FS),
    Place("hidden", ".x{}", None, WRITTEN, lands=".x{}", kinds=FS),
    Place("in new folders", "a/b/x{}", None, WRITTEN, lands="a/b/x{}", kinds=FS),
    Place("in memory", ":memory:", kinds=("store",)),
    Place("a URI", "file:x.sqlite?mode=memory", kinds=("store",)),
    Place("a URI of a host", "file://host/x.sqlite", kinds=("store",)),
    Place("of the web", "https://example.org/x{}", None, REFUSED),
    Place("the study itself", "toy_study.py", kept=("toy_study.py",)),
    Place("the problem itself", "train.py", kept=("train.py",)),
    Place("the store itself", "store.sqlite", kept=("store.sqlite",), kinds=F),
)


def _prepared(option: Option, place: Place, folder: Path) -> None:
    folder.parent.chmod(0o755)
    given: dict[str, str | bytes] = {"toy_study.py": study(), "train.py": PROBLEM}
    needs_store = option.line.startswith(REPORT) or place.path == "store.sqlite"
    Files(given | ({"store.sqlite": store()} if needs_store else {}))(folder)
    if place.make:
        _with_suffix(place.make, option.suffix)(folder)


def _with_suffix(make: Callable[[Path], object], suffix: str) -> Callable[[Path], object]:
    if not isinstance(make, partial):
        return make
    return partial(make.func, *(str(part).replace("{}", suffix) for part in make.args))


def _leftovers(option: Option, place: Place, folder: Path) -> list[str]:
    """What is wrong in the folder afterwards: half files, links that are gone, a file that is not there."""
    names = [path.name for path in folder.rglob("*")]
    faults = [f"{name} is left" for name in names if name.endswith(".part") or ".part." in name]
    target = place.lands.replace("{}", option.suffix)
    if target and place.codes == WRITTEN and not (folder / target).is_file():
        faults.append(f"{target} was not written")
    if place.name.startswith("a link") and not (folder / "x").is_symlink():
        faults.append("the link was replaced")
    return faults


def _attack(option: Option, place: Place) -> Attack:
    text = place.path.replace("{}", option.suffix)
    codes, kept = place.codes, tuple(name.replace("{}", option.suffix) for name in place.kept)
    if option.kind == "folder" and place.name == "a file of mine":
        kept = ("x",)
    return command(
        option.title,
        option.with_path(text),
        name=f"{place.name}: {text[:40]!r}",
        codes=set(codes),
        kept=kept,
        prepare=partial(_prepared, option, place),
        check=partial(_leftovers, option, place),
    )


def _paths() -> Iterator[Attack]:
    for option in OPTIONS:
        for place in PLACES:
            if option.kind in place.kinds:
                yield _attack(option, place)


TWICE = (
    f"{REPORT} --store=store.sqlite --output=x.html --csv=x.html",
    f"{REPORT} --store=store.sqlite --output=x.html --markdown=./x.html",
    f"{REPORT} --store=store.sqlite --output=x.json --markdown=x.md",
    f"{REPORT} --store=store.sqlite --output=x.md --csv=sub/../x.md",
    f"{REPORT} --store=store.sqlite --output=p.html --markdown=x.json",
    f"{REPORT} --store=store.sqlite --output=store.sqlite",
    f"{REPORT} --store=store.sqlite --output=p.html --csv=store.sqlite",
    f"{REPORT} --store=store.sqlite --output=p.html --csv=store.sqlite-wal",
    f"{REPORT} --store=store.sqlite --output=p.html --csv=spread.svg --svg=.",
    f"{REPORT} --store=store.sqlite --output=p.html --csv=x --svg=x",
    f"{RUN} --store=new --output=new",
    f"{RUN} --store=new --output=./new",
    f"{RUN} --store=new.sqlite --output=new.sqlite-wal",
    "study register toy_study.py --store=new --output=new",
    f"{TREAT} --keep=new --output=new",
    f"{TREAT} --keep=train.py",
    "check train.py:problem --steps 5 --output=train.py",
)
NAMES = (
    *(
        "../../x",
        "a/b",
        "/x",
        ".hidden",
        "..",
        ".",
        "",
        " ",
        "CON",
        "a\\b",
        "x" * 300,
        "a\x00b",
        "a\nb",
    ),
    *("-x", "a b\u202e", "nul.txt", "a:b", "x.", 7, None),
)


def _named(what: str, name: object) -> str:
    """The study with another name of itself, of its preset or of its figure."""
    old = {"study": f'name="{STUDY}"', "preset": '"quick":', "figure": 'Figure("spread"'}[what]
    new = {"study": f"name={name!r}", "preset": f"{name!r}:", "figure": f"Figure({name!r}"}[what]
    text = study()
    assert old in text, old
    return text.replace(old, new)


def _names() -> Iterator[Attack]:
    for what in ("study", "preset", "figure"):
        line = f"{RUN} --store=s.sqlite --output=p.html" if what == "figure" else RUN
        for name in NAMES:
            files: dict[str, str | bytes] = {"toy_study.py": _named(what, name), "x": MINE}
            check = partial(_inside, what)
            more = {"files": files, "check": check, "kept": ("x",), "name": f"{name!r:.40}"}
            if what == "figure":
                yield _svg(line, more)
            else:
                yield command(f"names of a {what}", line, what, **more)  # type: ignore[arg-type]


def _svg(line: str, more: dict[str, object]) -> Attack:
    """Run and then draw: the name of a figure is known only then."""

    def act(folder: Path) -> int:
        del folder
        from levinthal.cli import main

        first = line.split()
        code = main(first)
        if code == 2:
            return code
        print("", file=sys.stderr)
        return main([*REPORT.split(), "--store=s.sqlite", "--output=p.html", "--svg=figures"])

    made = command("names of a figure", line, "figure", **more)  # type: ignore[arg-type]
    return Attack(
        *(made.kind, made.name, act, made.says, frozenset({1, 2})),  # a figure that fails: 1, and a page
        kept=made.kept,
        prepare=made.prepare,
        check=made.check,
    )


def _inside(what: str, folder: Path) -> list[str]:
    """Nothing was written beside the folder."""
    out = {path.name for path in folder.parent.iterdir()} - {"here", "stdout", "stderr"}
    return [f"{name} was written outside, by the name of a {what}" for name in out]


def _small_disk(line: str, bytes_: int, name: str) -> Attack:
    """A file may grow to so many bytes only, as on a disk that is nearly full."""

    def act(folder: Path) -> int:
        del folder
        from levinthal.cli import main

        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))
        return main(shlex.split(line))

    place = Place(name, "")
    option = Option("", line)
    prepare = partial(_prepared, option, place)
    return Attack("a full disk", name, act, codes=REFUSED, prepare=prepare, check=_no_half)


def _no_half(folder: Path) -> list[str]:
    """No file of ours that is not whole, and none that is left beside it."""
    known = {"toy_study.py", "train.py", "store.sqlite", "results", "__pycache__"}
    names = {path.name for path in folder.iterdir()} - known
    return [f"{name} is left" for name in names if not name.startswith((".cache", "store.sqlite"))]


def _disks() -> Iterator[Attack]:
    report = f"{REPORT} --store=store.sqlite"
    yield _small_disk(f"{report} --output=p.html", 200_000, "--output")
    yield _small_disk(f"{report} --output=results/p.html --csv=p.csv", 1_000, "--csv")
    yield _small_disk("study register toy_study.py --output=p.json", 500, "register --output")
    yield _small_disk("study new new-study", 500, "study new")
    yield _small_disk("check train.py:problem --steps 5 --output=p.html", 200_000, "check --output")


def _as_nobody(option: Option) -> Attack:
    """A folder that may be read and not written."""
    place = Place("a read-only folder", f"x{option.suffix}")
    line = option.with_path("." if option.kind == "folder" else place.path)

    def act(folder: Path) -> int:
        del folder
        from levinthal.cli import main

        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        return main(shlex.split(line))

    def prepare(folder: Path) -> None:
        _prepared(option, place, folder)
        _folder("results", folder)
        (folder / "results").chmod(0o777)
        (folder.parent / "stdout").touch()
        folder.chmod(0o555)

    check = partial(_leftovers, option, place)
    return Attack(option.title, place.name, act, codes=REFUSED, prepare=prepare, check=check)


def attacks() -> Sequence[Attack]:
    """Each option with each path, options that name one file, names that climb, disks that are full."""
    twice = [
        command("two options, one file", line, prepare=partial(_prepared, Option("", REPORT), Place("", "")),
                kept=("store.sqlite", "toy_study.py", "train.py"))
        for line in TWICE
    ]  # fmt: skip
    return [*_paths(), *(_as_nobody(one) for one in OPTIONS), *twice, *_names(), *_disks()]
