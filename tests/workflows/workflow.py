"""Read the workflows, and run the make steps of one as GitHub Actions would."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / ".github" / "workflows"
TARGETS: Final = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
INSTALL: Final = "make setup"
_EXPRESSION: Final = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")

Yaml = dict[str, Any]


def load(name: str) -> Yaml:
    """Return a workflow; the key `on`, a truth value to YAML 1.1, under its name."""
    workflow: Yaml = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    on = workflow.pop(True)  # type: ignore[call-overload]
    return workflow | {"on": on}


WORKFLOWS: Final = {path.name: load(path.name) for path in sorted(FOLDER.iterdir())}


def jobs() -> Iterator[tuple[str, Yaml]]:
    """Yield each job of each workflow, with its name."""
    for file, workflow in WORKFLOWS.items():
        for name, job in workflow["jobs"].items():
            yield f"{file}:{name}", job


def steps() -> Iterator[tuple[str, Yaml, Yaml]]:
    """Yield each step with its job and the job's name."""
    for name, job in jobs():
        for step in job.get("steps", ()):
            yield name, job, step


def commands(job: Yaml, step: Yaml) -> list[str]:
    """Return the commands of a `run:`, one for each target of the job's matrix."""
    run: str = step["run"]
    targets = job.get("strategy", {}).get("matrix", {}).get("target", [""])
    return list(dict.fromkeys(run.replace("${{ matrix.target }}", target) for target in targets))


@dataclass
class Run:
    """One run of a job's make steps; `conclusions` and `outputs` are those of the steps with an id."""

    checkout: Path
    variables: Mapping[str, str]
    contexts: Mapping[str, str]
    """The values of expressions that are no step's."""
    output_file: Path
    after_step: Callable[[str], None]
    """Is called with each command that succeeds."""
    conclusions: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    failed: bool = False
    log: str = ""

    def job(self, job: Yaml) -> Run:
        """Run the steps in order, but those that call an action, or install what is installed."""
        for step in job["steps"]:
            if step.get("run", INSTALL) != INSTALL and self._is_due(step):
                self._step(step, {**job.get("env", {}), **step.get("env", {})})
        return self

    def _is_due(self, step: Yaml) -> bool:
        return self._holds(step["if"]) if "if" in step else not self.failed

    def _holds(self, condition: str) -> bool:
        terms = condition.removeprefix("${{").removesuffix("}}").split("&&")
        return all(self._term(term.strip()) for term in terms)

    def _term(self, term: str) -> bool:
        if term == "failure()":
            return self.failed
        if term == "!cancelled()":
            return True
        left, operator, right = term.split()
        return (self._value(left) == right.strip("'")) is (operator == "==")

    def _value(self, expression: str) -> str:
        if match := re.fullmatch(r"steps\.([\w-]+)\.conclusion", expression):
            return self.conclusions.get(match[1], "skipped")
        if match := re.fullmatch(r"steps\.([\w-]+)\.outputs\.(\w+)", expression):
            return self.outputs.get(f"{match[1]}.{match[2]}", "")
        return self.contexts[expression]

    def _step(self, step: Yaml, environment: Mapping[str, str]) -> None:
        command: str = step["run"]
        self.output_file.write_text("", encoding="utf-8")
        values = {key: _EXPRESSION.sub(lambda match: self._value(match[1]), each) for key, each in environment.items()}
        process = run_make(command, self.checkout, {**self.variables, **values, "GITHUB_OUTPUT": str(self.output_file)})
        self.ran.append(command)
        self.log += f"$ {command}\n{process.stdout}{process.stderr}"
        self.failed |= process.returncode != 0 and not step.get("continue-on-error")
        if process.returncode == 0:
            self.after_step(command)
        if identity := step.get("id"):
            self.conclusions[identity] = "success" if process.returncode == 0 else "failure"
            for line in self.output_file.read_text(encoding="utf-8").splitlines():
                key, _, value = line.partition("=")
                self.outputs[f"{identity}.{key}"] = value


def run_make(command: str, checkout: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a make command with what is installed: `.venv/ready` is not renewed, even if a lock is newer."""
    make, *arguments = shlex.split(command)
    assert make == "make"
    return subprocess.run(
        ["make", "--old-file=.venv/ready", *arguments],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
