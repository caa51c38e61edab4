"""The Dockerfile built into a folder, without a container engine: same copies, same commands, other paths."""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.groups import ROOT

_STAGE_PATH = re.compile(r"(?<![\w./])/(venv|app|build|image|below\.sum)(?=[/\s;&]|$)")
_NOT_RUN_HERE = {"runtime", "tools", "frontend"}
"""Stages that set up a machine of their own or take a minute: their tools are those of the checkout."""


@dataclass
class Stage:
    """One FROM: the stage or image it starts from, and its instructions."""

    name: str
    parent: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def last(self, keyword: str) -> str | None:
        """Return the value of the last instruction of that kind."""
        return next((value for word, value in reversed(self.instructions) if word == keyword), None)


def build_arguments(image: str) -> tuple[str, dict[str, str]]:
    """Return the target stage and the build arguments that `make images` uses for *image*."""
    command = ["make", "--silent", "images", f"IMAGES={image}", "DOCKER=echo"]
    words = shlex.split(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    given = [words[index + 1].split("=", 1) for index, word in enumerate(words) if word == "--build-arg"]
    return words[words.index("--target") + 1], dict(given)


def parse(text: str, arguments: dict[str, str]) -> dict[str, Stage]:
    """Return the stages of a Dockerfile by name, with continued lines joined and arguments filled in."""
    values = dict(arguments)
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        keyword, _, value = line.strip().partition(" ")
        if not keyword or keyword.startswith("#"):
            continue
        value = re.sub(r"\$\{(\w+)\}", lambda found: values.get(found[1], found[0]), value.strip())
        if keyword == "ARG":
            name, _, default = value.partition("=")
            values.setdefault(name, default)
        elif keyword == "FROM":
            parent, _, name = re.sub(r"--platform=\S+ ", "", value).partition(" AS ")
            stage = stages[name] = Stage(name, parent)
        elif stage:
            stage.instructions.append((keyword, value))
    return stages


def _copy_tree(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "--archive", "--remove-destination", f"{source}/.", target], check=True)


class Build:
    """One image, built into folders under *folder*; builds that share the folder share equal stages."""

    def __init__(self, folder: Path, image: str) -> None:
        self._folder = folder
        self._target, arguments = build_arguments(image)
        self._stages = parse((ROOT / "Dockerfile").read_text(), arguments)
        lines = (ROOT / ".dockerignore").read_text().splitlines()
        self._ignore_lines = [line for line in lines if line[:1] not in ("", "#")]

    @property
    def root(self) -> Path:
        """The image's root folder, without the files of images from elsewhere."""
        return self._build(self._target)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the image sets."""
        lines = [value for stage in self._lineage(self._target) for word, value in stage.instructions if word == "ENV"]
        return dict(part.split("=", 1) for line in lines for part in shlex.split(line))

    @property
    def command(self) -> list[str]:
        """The image's command."""
        return json.loads(self._last("CMD"))

    @property
    def user(self) -> str:
        """The user the image runs as."""
        return self._last("USER")

    def stage(self, name: str) -> Path:
        """Return the folder of one of the stages."""
        return self._build(name)

    def ignores(self, path: Path) -> bool:
        """Return whether .dockerignore excludes *path*, relative to the checkout: its last match decides."""
        ignored = False
        for line in self._ignore_lines:
            pattern = re.sub(r"\\\*\\\*/", "(.*/)?", re.escape(line.removeprefix("!"))).replace(r"\*", "[^/]*")
            if re.match(f"{pattern}(/|$)", str(path)):
                ignored = not line.startswith("!")
        return ignored

    def _last(self, keyword: str) -> str:
        found = [stage.last(keyword) for stage in self._lineage(self._target)]
        return [value for value in found if value][-1]

    def _lineage(self, name: str) -> list[Stage]:
        stage = self._stages[name]
        return [*(self._lineage(stage.parent) if stage.parent in self._stages else []), stage]

    def _digest(self, name: str) -> str:
        """Return a digest of everything the stage is made by, so that equal stages of two images are built once."""
        if name not in self._stages:
            return name
        stage = self._stages[name]
        copied = re.findall(r"--from=(\S+)", str(stage.instructions))
        parts = [name, str(stage.instructions), *(self._digest(one) for one in (stage.parent, *copied))]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]

    def _build(self, name: str) -> Path:
        """Return the folder of a stage, built with the umask of an engine, whatever that of the tests is."""
        umask = os.umask(0o022)
        try:
            return self._build_stage(name)
        finally:
            os.umask(umask)

    def _build_stage(self, name: str) -> Path:
        target = self._folder / f"{name}-{self._digest(name)}"
        if target.exists():
            return target
        stage = self._stages[name]
        if stage.parent in self._stages:
            _copy_tree(self._build(stage.parent), target)
        target.mkdir(exist_ok=True, parents=True)
        if name == "frontend":
            self._copy_page(target)
            return target
        directory = next((d for one in reversed(self._lineage(name)[:-1]) if (d := one.last("WORKDIR"))), "/")
        for keyword, value in stage.instructions:
            if keyword == "WORKDIR":
                directory = value
                (target / directory.strip("/")).mkdir(parents=True, exist_ok=True)
            elif keyword == "COPY":
                self._copy(target, directory, value)
            elif keyword == "RUN" and name not in _NOT_RUN_HERE:
                self._run(name, target, directory, value)
        return target

    def _copy_page(self, target: Path) -> None:
        """Take the page that `make page` has built, or a stand-in."""
        place = target / "image" / "app" / "frontend" / "build"
        if (built := ROOT / "frontend" / "build").exists():
            shutil.copytree(built, place)
        else:
            place.mkdir(parents=True)
            (place / "index.html").write_text("<!doctype html><title>StocksALot</title>")

    def _copy(self, target: Path, directory: str, value: str) -> None:
        words = value.split()
        origin = self._build(words.pop(0).removeprefix("--from=")) if words[0].startswith("--from=") else ROOT
        *sources, destination = words
        to = target / str(Path(directory) / destination).strip("/")
        for source in sources:
            path = origin / source.strip("/")
            assert path.exists(), f"COPY {value}: {source} does not exist"
            if path.is_dir() and origin == ROOT:
                shutil.copytree(path, to, dirs_exist_ok=True, ignore=self._ignored_names)
            elif path.is_dir():
                _copy_tree(path, to)
            else:
                into = to / path.name if destination.endswith("/") else to
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, into)

    def _ignored_names(self, folder: str, names: list[str]) -> set[str]:
        paths = {name: Path(folder) / name for name in names}
        return {name for name, path in paths.items() if path.is_file() and self.ignores(path.relative_to(ROOT))}

    def _run(self, name: str, target: Path, directory: str, command: str) -> None:
        """Run *command* with the stage's own paths under *target*, by the tools of this checkout."""
        tools = self._folder / "tools"
        tools.mkdir(exist_ok=True)
        for tool, link in (("strip", "true"), ("uv", ROOT / ".venv/bin/uv"), ("python", ROOT / ".venv/bin/python")):
            if not (tools / tool).is_symlink():
                (tools / tool).symlink_to(shutil.which(str(link)) or "")
        certificates = Path("/etc/ssl/certs/ca-certificates.crt")
        stages = [*self._lineage(name)]
        lines = [value for stage in stages for word, value in stage.instructions if word == "ENV"]
        done = subprocess.run(
            ["sh", "-ec", _STAGE_PATH.sub(lambda found: str(target / found[1]), re.sub(r"--mount=\S+ ", "", command))],
            cwd=target / directory.strip("/"),
            env={
                **os.environ,
                **({"SSL_CERT_FILE": str(certificates)} if certificates.exists() else {}),
                **dict(part.split("=", 1) for line in lines for part in shlex.split(line)),
                "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, f"{name}: RUN {command}\n{done.stdout}{done.stderr}"
