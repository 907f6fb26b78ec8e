"""Find, in the emulator's code, which names of ministack it uses, and which of them it replaces or writes to."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

CODE: Final = Path(__file__).parents[3] / "local"
PACKAGE: Final = "ministack"
MUTATORS: Final = frozenset({"append", "clear", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"})


@dataclass
class Names:
    """Names of ministack's modules, as `services.ecs._task_defs`."""

    used: set[str] = field(default_factory=set)
    overridden: set[str] = field(default_factory=set)
    """Assigned or deleted, or a table or list whose entries are."""
    dynamic: list[str] = field(default_factory=list)
    """Assignments whose name the code computes, which this cannot read."""


def names_of(code: Path = CODE) -> Names:
    """Return the names in all modules of a folder."""
    names = Names()
    for file in sorted(code.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        modules = dict(_imported_modules(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and (name := _module_name(node, modules)):
                names.used.add(name)
            names.overridden.update(filter(None, (_module_name(each, modules) for each in _written(node))))
            if _is_dynamic(node, modules):
                names.dynamic.append(f"{file.name}: {ast.unparse(node)}")
    return names


def _imported_modules(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the local name and the module of each import from ministack."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == PACKAGE:
            for each in node.names:
                yield each.asname or each.name, f"{node.module}.{each.name}".removeprefix(f"{PACKAGE}.")


def _written(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            for target in targets:
                yield from target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            yield target
        case ast.Call(func=ast.Attribute(value=value, attr=attribute)) if attribute in MUTATORS:
            yield value


def _module_name(node: ast.expr, modules: dict[str, str]) -> str | None:
    """Return the name that an expression begins with: `services.ecs._services` of `ecs._services[key]["tags"]`."""
    match node:
        case ast.Attribute(value=ast.Name(id=alias), attr=attribute) if alias in modules:
            return f"{modules[alias]}.{attribute}"
        case ast.Attribute(value=value) | ast.Subscript(value=value):
            return _module_name(value, modules)
    return None


def _is_dynamic(node: ast.AST, modules: dict[str, str]) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="setattr" | "delattr" | "vars"), args=[ast.Name(id=alias), *_]):
            return alias in modules
    return False
