"""The shape of the project: imports point one way, a check touches nothing, every box of the checklist is served."""

import ast
import importlib.util
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from cutover.check import Doc
from cutover.checklist import ADVICE, catalogue

ROOT = Path(__file__).parents[1]
LIBRARY = sorted((ROOT / "cutover").rglob("*.py"))
CHECKS = sorted(file for folder in ROOT.glob("tests_*") for file in folder.glob("test_*.py"))

# Who may import whom: only what has a lower number.
LAYERS = {
    "errors": 0,
    "redact": 0,
    "addresses": 0,
    "files": 0,
    "promise": 0,
    "in_locust": 0,
    "checklist": 1,
    "kinds": 1,
    "check": 1,
    "facts": 1,
    "policies": 1,
    "promised_load": 1,
    "inventory": 2,
    "written": 2,
    "verdict": 2,
    "targets": 3,
    "demo": 3,
    "locustfile": 3,
    "probes": 3,
    "plan": 3,
    "fixtures": 4,
    "fixtures_host": 4,
    "judging": 3,
    "exceptions": 4,
    "aim": 5,
    "fixtures_outside": 5,
    "standing": 5,
    "gate": 6,
    "causes": 6,
    "report": 7,
    "verification": 8,
    "workers": 8,
    "plugin": 9,
    "cli": 9,
    "__main__": 10,
}


def imports(file):
    """The full names of what a file imports from this project."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in ("cutover", "lab", "bench", "selftest"))


@pytest.mark.parametrize("file", LIBRARY, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_point_one_way(file):
    own = file.relative_to(ROOT / "cutover").parts[0].removesuffix(".py")
    for name in imports(file):
        package, _, rest = name.partition(".")
        assert package == "cutover", f"the library imports {name}"
        other = rest.split(".")[0]
        if own == "__init__" or other == own:
            continue
        assert LAYERS[other] < LAYERS[own], f"{own} imports {other}"


@pytest.mark.parametrize("file", LIBRARY, ids=lambda file: str(file.relative_to(ROOT)))
def test_sslyze_is_a_program_that_is_run(file):
    """Its licence, the AGPL, is that of the whole program that imports it, or the library below it."""
    tree = ast.walk(ast.parse(file.read_text("utf-8")))
    names = [alias.name for node in tree if isinstance(node, ast.Import) for alias in node.names]
    tree = ast.walk(ast.parse(file.read_text("utf-8")))
    names += [node.module or "" for node in tree if isinstance(node, ast.ImportFrom)]
    assert not {name.split(".")[0] for name in names} & {"sslyze", "nassl"}


def test_a_run_begins_without_what_only_some_probes_need():
    """They are loaded while the scan, which takes longest, already runs; a visit to a server needs none of them."""
    told = "import sys, cutover.plugin; print(*{'requests', 'urllib3', 'dns', 'OpenSSL', 'asyncio'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("\n", 0), done.stderr


@pytest.mark.parametrize("file", CHECKS, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_check_file_imports_facts_and_promises_only(file):
    allowed = ("cutover.check.", "cutover.facts.", "cutover.inventory.", "cutover.policies.")
    assert [name for name in imports(file) if not name.startswith(allowed)] == []


@pytest.mark.parametrize(
    "file", [*LIBRARY, *CHECKS, *sorted(ROOT.glob("lab/*.py"))], ids=lambda file: str(file.relative_to(ROOT))
)
def test_a_file_can_be_held_in_the_head(file):
    assert len(file.read_text("utf-8").splitlines()) <= 300


def checks():
    for file in CHECKS:
        spec = importlib.util.spec_from_file_location(f"structure_{file.stem}", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, function in vars(module).items():
            if name.startswith("test_"):
                yield pytest.param(function, id=f"{file.parent.name}/{file.stem}::{name}")


@pytest.mark.parametrize("function", list(checks()))
def test_a_check_names_its_box_and_says_why_and_how_to_mend(function):
    marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "control"]
    assert len(marks) == 1
    assert catalogue()[marks[0].args[0]].judged_by == "checks"
    doc = Doc.of(function)
    assert len(doc.why) > 20
    assert len(doc.mend) > 10


def test_every_box_is_served():
    served = {mark.args[0] for check in checks() for mark in check.values[0].pytestmark if mark.name == "control"}
    assert {control.id for control in catalogue().control if control.judged_by == "checks"} - served == set()


def test_catalogue_has_the_checklists_boxes_and_then_the_advice():
    # Counted in the document; section 16 has no box.
    boxes = [3, 2, 3, 3, 4, 4, 6, 4, 5, 2, 4, 4, 3, 3, 3, 0, 4, 9, 4, 4]
    expected = {str(number): count for number, count in enumerate(boxes, 1)} | {"T1": 4, "T2": 3, "T3": 3, "T4": 3}
    *sections, last = (section.id for section in catalogue().section)
    assert last == ADVICE
    boxes = [control for control in catalogue().control if not control.is_advice]
    assert catalogue().control[: len(boxes)] == tuple(boxes)
    counts = Counter(control.section for control in boxes)
    assert {section: counts[section] for section in sections} == expected
    assert counts.total() == 87
    assert len({control.id for control in catalogue().control}) == len(catalogue().control)


@pytest.mark.parametrize("control", [row for row in catalogue().control if row.is_advice], ids=lambda row: row.id)
def test_advice_is_what_no_gate_asks_for(control):
    assert control.severity in ("low", "medium")
    assert not control.mandatory
    assert control.judged_by == "checks"


@pytest.mark.parametrize("control", catalogue().control, ids=lambda control: control.id)
def test_a_row_leads_to_rows_that_are_judged_by_checks(control):
    assert bool(control.rows) == (control.judged_by == "rows")
    for other in (*control.rows, *control.explains):
        assert catalogue()[other].judged_by == "checks"
    assert not set(control.rows) & set(control.explains)
    assert (
        bool(control.explains) == bool(control.advice_ja) == bool(control.advice_en) == control.section.startswith("T")
    )
