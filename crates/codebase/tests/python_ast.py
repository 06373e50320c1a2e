"""What CPython's own parser finds in the Python files named on standard input, a JSON line a file.

Functions and classes by qualified name with their lines, cyclomatic complexity of each function, and imports.
A file that this Python does not accept gives `null`.
"""

import ast
import json
import sys
import warnings

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp)


def decisions(node):
    """How many paths the node itself adds."""
    if isinstance(node, BRANCHES):
        return 1
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    # `match` is younger than some Pythons.
    if isinstance(node, getattr(ast, "match_case", ())):
        pattern = node.pattern
        wildcard = isinstance(pattern, ast.MatchAs) and pattern.pattern is None and pattern.name is None
        return 0 if wildcard and node.guard is None else 1
    return 0


def complexity(function):
    """1 and every decision of a function, without the functions in it."""
    total, left = 1, list(ast.iter_child_nodes(function))
    while left:
        node = left.pop()
        if isinstance(node, FUNCTIONS):
            continue
        total += decisions(node)
        left.extend(ast.iter_child_nodes(node))
    return total


def facts(tree):
    functions, classes, imports = [], [], []
    left = [(tree, "")]
    total = 1
    while left:
        node, prefix = left.pop()
        total += decisions(node)
        inner = prefix
        if isinstance(node, FUNCTIONS + (ast.ClassDef,)):
            name = prefix + node.name
            inner = name + "."
            row = [name, node.lineno, node.end_lineno]
            if isinstance(node, ast.ClassDef):
                classes.append(row)
            else:
                functions.append(row + [complexity(node)])
        elif isinstance(node, ast.Import):
            imports.extend([alias.name, None, alias.asname, node.lineno] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            imports.extend([module, alias.name, alias.asname, node.lineno] for alias in node.names)
        left.extend((child, inner) for child in ast.iter_child_nodes(node))
    key = lambda row: [str(part) for part in row]
    return {
        "functions": sorted(functions, key=key),
        "classes": sorted(classes, key=key),
        "imports": sorted(imports, key=key),
        "complexity": total,
    }


def main():
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(10_000)
    for line in sys.stdin:
        try:
            with open(line.rstrip("\n"), "rb") as file:
                answer = facts(ast.parse(file.read()))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            answer = None
        print(json.dumps(answer), flush=True)


main()
