"""docs/cluster.md: its commands run, and what needs SLURM or Kubernetes is at least written as these read it."""

import ast
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```([^\n]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
LINES = [line for language, block in BLOCKS if language == "sh" for line in block.splitlines()]
ADDRESS = "tcp://127.0.0.1:8786"
PYTHON = {"adrun": ["-W", "error", str(ROOT / "cli.py")], "dask": ["-m", "dask"]}

pytestmark = pytest.mark.skipif(os.name != "posix", reason="its commands are those of a shell")


def arguments(line, address):
    """Return a command of the page, with another address, and with shorter runs."""
    program, *words = shlex.split(line.replace("--seeds 20", "--seeds 2"))
    words = [word.replace(ADDRESS, address) for word in words]
    if "8786" in words:  # the scheduler's own port: any that is free
        words[words.index("8786")] = "0"
        words += ["--scheduler-file", "scheduler.json", "--dashboard-address", "127.0.0.1:0"]
    if program == "adrun":
        words += ["--set", "epochs=3", "--set", "hidden=[5]", "--quiet"]
    return [sys.executable, *PYTHON[program], *words]


def test_the_commands_run(tmp_path):
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    assert LINES.pop(0) == "pip install 'adrun[cluster]'"
    started = []
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    address = ADDRESS
    try:
        for line in LINES:
            command = arguments(line, address)
            if line.startswith("adrun"):
                done = subprocess.run(
                    command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
                )
                assert done.returncode in (0, 1), done.stderr  # after three epochs, one or the other did not learn
                assert "Traceback" not in done.stderr
                assert "loss" in done.stdout
                assert "written to results" in done.stdout + done.stderr
                continue
            with (tmp_path / f"{len(started)}.txt").open("wb") as log:
                started.append(subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log))
            deadline = time.monotonic() + 60
            while not (tmp_path / "scheduler.json").exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            address = re.search(r"tcp://[\d.:]+", (tmp_path / "scheduler.json").read_text())[0]
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait()


def test_what_is_for_slurm_and_kubernetes_is_read_by_their_languages():
    for language, block in BLOCKS:
        if language.startswith("python"):
            ast.parse(block)
        elif language.startswith("sh"):
            subprocess.run(["bash", "-n"], input=block, text=True, check=True)
    (manifests,) = [list(yaml.safe_load_all(block)) for language, block in BLOCKS if language == "yaml"]
    assert [manifest["kind"] for manifest in manifests] == ["Deployment", "Service", "Deployment"]
    scheduler, service, workers = manifests
    assert service["spec"]["selector"] == scheduler["spec"]["template"]["metadata"]["labels"]
    for deployment in (scheduler, workers):
        assert deployment["spec"]["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["command"][0] == "dask"
    assert f"tcp://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}" in container["command"]
    assert container["command"][-2:] == ["--nthreads", "1"]
