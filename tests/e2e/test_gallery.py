# SPDX-License-Identifier: MIT
"""tools/gallery in a copy of its folders: what it draws, keeps and refuses."""

import shutil
import subprocess

import pytest

from command import PROGRAM, ROOT, environment, phasegrid

JOB = """\
title: tiny parities
experiment: parity
settings: {k: 2, width: 4, steps: 20}
grid:
  - {name: n, values: [8, 10]}
seeds: 2
"""
KEPT = b"a picture of an earlier day"


class Gallery:
    """A copy of the page's folders, with JOB as its job `parity` and one picture of an earlier day."""

    def __init__(self, folder):
        self.folder, self.results = folder, folder / "results"
        for name in ("tools", "jobs", "docs/gallery", "results"):
            (folder / name).mkdir(parents=True)
        shutil.copy(ROOT / "tools" / "gallery", folder / "tools")
        (folder / "jobs" / "parity.yaml").write_text(JOB)
        self.picture("relation-lr").write_bytes(KEPT)

    def picture(self, name):
        return self.folder / "docs" / "gallery" / f"{name}.png"

    def page(self):
        path = self.folder / "docs" / "gallery.md"
        return path.read_text() if path.exists() else None

    def call(self, *words):
        return subprocess.run([self.folder / "tools" / "gallery", self.results, "--phasegrid", PROGRAM,
                               *words], capture_output=True, text=True, env=environment(), timeout=300)


@pytest.fixture
def gallery(tmp_path):
    return Gallery(tmp_path)


def test_draws_what_has_results_and_keeps_the_others(gallery):
    made = phasegrid("run", gallery.folder / "jobs" / "parity.yaml", "-o", gallery.results / "parity.h5")
    assert made.returncode == 0, made.stderr
    done = gallery.call()
    assert done.returncode == 0, done.stderr
    assert gallery.picture("parity").read_bytes().startswith(b"\x89PNG")
    assert gallery.picture("relation-lr").read_bytes() == KEPT
    assert "(gallery/parity.png)" in gallery.page() and "(gallery/relation-lr.png)" in gallery.page()
    assert "relation-depth" not in gallery.page() and "## Linear models" not in gallery.page()
    assert "not there: relation-depth (needs " in done.stdout
    assert "not there: parity " not in done.stdout and "not there: relation-lr " not in done.stdout


def test_runs_the_jobs_that_are_named(gallery):
    done = gallery.call("--run", "parity")
    assert done.returncode == 0, done.stderr
    assert (gallery.results / "parity.h5").exists() and gallery.picture("parity").exists()


def test_refuses_the_file_of_another_job(gallery):
    other = gallery.folder / "other.yaml"
    other.write_text(JOB.replace("[8, 10]", "[8, 12]"))
    assert phasegrid("run", other, "-o", gallery.results / "parity.h5").returncode == 0
    before = (gallery.results / "parity.h5").read_bytes()
    done = gallery.call()
    assert done.returncode != 0 and "was made by another job" in done.stderr
    assert gallery.page() is None and not gallery.picture("parity").exists()
    assert (gallery.results / "parity.h5").read_bytes() == before


def test_names_the_jobs_that_it_knows(gallery):
    done = gallery.call("--run", "no-such-job")
    assert done.returncode != 0
    assert "no-such-job: the page has the jobs" in done.stderr and "parity" in done.stderr


def test_every_picture_has_its_job():
    """The page as it is in the project: its jobs are there, its pictures are on it, and no others."""
    page = (ROOT / "docs" / "gallery.md").read_text()
    pictures = {path.stem for path in (ROOT / "docs" / "gallery").glob("*.png")}
    assert {name for name in pictures if f"(gallery/{name}.png)" not in page} == set()
    for line in page.splitlines():
        if line.startswith("phasegrid run "):
            assert (ROOT / line.split()[2]).exists(), line
