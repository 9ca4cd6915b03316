"""What README says works as written: its commands, its Python, its make targets, its links."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dwpose_annotator import load_image
from tests.conftest import REPO, Dwpose

README = (REPO / "README.md").read_text("utf-8")
MAKEFILE = (REPO / "Makefile").read_text("utf-8")
# Where no file is needed from the network, a command must succeed. These name official weights, so
# without a network they must get as far as saying that.
NEEDS_DOWNLOAD = ("dw-ll_ucoco_384", "dw-mm_ucoco")
# Other programs: that they install and clone is not for this test.
NOT_RUN = ("pip", "cd")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands(program: str) -> list[str]:
    """Lines of the bash blocks that start with a program, without their comments."""
    lines = [
        line.split("  #")[0].strip() for block in blocks("bash") for line in block.splitlines()
    ]
    return [line for line in lines if line.split()[:1] == [program]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the example photos, where commands may write."""
    shutil.copytree(REPO / "examples" / "images", tmp_path / "examples" / "images")
    return tmp_path


def test_every_program_is_known() -> None:
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.strip()]
    programs = {line.split()[0] for line in lines}
    assert programs == {"make", "dwpose", "python", *NOT_RUN}


def test_dwpose_commands(dwpose: Dwpose, checkout: Path) -> None:
    lines = commands("dwpose")
    assert len(lines) > 8
    for line in lines:
        arguments = expand(shlex.split(line)[1:], checkout)
        if arguments == ["bench"]:  # as written it also times the large models, for minutes
            arguments += ["--runs", "1", "--no-large"]
        result = dwpose(*arguments, env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(checkout / "hub")})
        if any(name in line for name in NEEDS_DOWNLOAD):
            assert result.returncode == 1, line
            assert re.search(r"downloads are off|no checkpoint at", result.stderr), result.stderr
        else:
            assert result.returncode == 0, (line, result.stdout, result.stderr)
    assert len(list((checkout / "maps").glob("*.json"))) == len(photos(checkout))
    assert load_image(checkout / "again.png").shape == (768, 1024, 3)


def expand(arguments: list[str], folder: Path) -> list[str]:
    """What the shell does with the patterns of a line."""
    words = []
    for word in arguments:
        found = sorted(str(p.relative_to(folder)) for p in folder.glob(word)) if "*" in word else []
        words += found or [word]
    return words


def photos(checkout: Path) -> list[Path]:
    return sorted((checkout / "examples" / "images").glob("*.jpg"))


def test_python_blocks(checkout: Path) -> None:
    code = blocks("python")
    assert len(code) > 1
    for block in code:
        subprocess.run(
            [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", block],
            check=True,
            cwd=checkout,
            env={"PYTHONPATH": str(REPO), "PATH": "", "HF_HUB_OFFLINE": "1"},
        )
    assert load_image(checkout / "lunge_pose.png").any()


def test_make_annotate(dwpose: Dwpose, checkout: Path) -> None:
    """The recipe's own command, with this interpreter in place of the environment it sets up."""
    (line,) = [line for line in commands("make") if line.startswith("make annotate")]
    variables = {"OUT": re.search(r"^OUT \?= (.+)$", MAKEFILE, re.MULTILINE)[1]}
    variables |= dict(word.split("=") for word in shlex.split(line)[2:])
    (recipe,) = re.findall(r"^\t\$\(BIN\)/dwpose (annotate .*)$", MAKEFILE, re.MULTILINE)
    for name, value in variables.items():
        recipe = recipe.replace(f"$({name})", value)
    result = dwpose(*shlex.split(recipe))
    assert result.returncode == 0, result.stderr
    stem = Path(variables["IMAGE"]).stem
    pose_map = load_image(checkout / variables["OUT"] / f"{stem}.png")
    assert pose_map.shape == load_image(checkout / variables["IMAGE"]).shape
    assert pose_map.any()
    assert f"{variables['OUT']}/{stem}.png, {variables['OUT']}/{stem}.json" in README
    assert (checkout / variables["OUT"] / f"{stem}.json").is_file()


def test_make_targets_exist() -> None:
    targets = {line.split()[1] for line in commands("make")}
    assert targets <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("line", commands("python"))
def test_python_module_commands(line: str) -> None:
    subprocess.run([sys.executable, *shlex.split(line)[1:]], check=True, cwd=REPO)


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    missing = [t for t in targets if "://" not in t and not (REPO / t).exists()]
    assert missing == []


def test_pictures_are_small() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures
    assert max((REPO / picture).stat().st_size for picture in pictures) < 1_500_000
