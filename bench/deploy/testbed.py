"""What is measured: versions of the sample service, as images in the registry of the tests, and Lockgate itself."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from rig import run

ROOT = Path(__file__).resolve().parents[2]


def lockgate():
    """The program, as it is released."""
    binary = os.environ.get("LOCKGATE_BENCH_BINARY")
    if binary:
        return binary
    run(["cargo", "build", "-q", "--release", "-p", "lockgate"], cwd=ROOT)
    return f"{target_directory()}/release/lockgate"


def target_directory():
    metadata = run(["cargo", "metadata", "--format-version=1", "--no-deps", "--offline"], cwd=ROOT)
    return json.loads(metadata)["target_directory"]


@dataclass
class Scenario:
    """One version of the service."""

    image: str
    version: str
    knobs: dict = field(default_factory=dict)
    exists: bool = True

    @property
    def env(self):
        return {"SAMPLE_VERSION": self.version, **self.knobs}


class Testbed:
    """Images, and an engine of the benchmark's own, from the crate of that name."""

    def __init__(self):
        run(["cargo", "build", "-q", "-p", "lockgate-testbed"], cwd=ROOT)
        self.program = f"{target_directory()}/debug/lockgate-testbed"

    def image(self, binary, tag):
        return run([self.program, "push", binary, tag]).strip()

    def server(self, name, tag):
        return run([self.program, "server", name, tag]).strip()

    def engine(self):
        """One that runs until its standard input is closed, and what reaches it."""
        process = subprocess.Popen([self.program, "engine"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return process, process.stdout.readline().strip()
