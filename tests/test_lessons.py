"""Every lesson keeps the course's rules, and the builder gives the same notebooks twice."""

import os
import re
import shutil
import subprocess
import sys
import time
from copy import deepcopy
from functools import cache
from pathlib import Path

import lesson_rules as rules
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import lessons

ROOT = lessons.ROOT
TOY = Path(__file__).parent / "toy" / "01_toy.py"
SOURCES = lessons.sources()
TAUGHT = [path for path in SOURCES if path.stem != "00_start_here"]  # that one is a tour
TALK = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


@cache
def planned(path):
    return lessons.products(path)


@cache
def committed(target):
    assert target.exists(), f"{target.name} was never built: make lessons"
    return nbformat.read(target, as_version=4)


@pytest.fixture(params=SOURCES, ids=lambda path: path.stem)
def lesson(request):
    """The source of a lesson, one after the other."""
    return request.param


@pytest.fixture(params=TAUGHT, ids=lambda path: path.stem)
def taught(request):
    """The source of a lesson that has exercises and a quiz."""
    return request.param


@pytest.fixture(params=["solutions", "notebooks"])
def copy(request, lesson):
    """Where a lesson's notebook is committed: the full one, then the student's."""
    return ROOT / request.param / f"{lesson.stem}.ipynb"


@pytest.fixture
def plan(copy, lesson):
    """The same notebook as its source gives it, without outputs."""
    return dict(planned(lesson))[copy]


# What is committed comes from the source


def test_committed_notebook_is_what_its_source_gives(copy, plan):
    assert lessons.same_plan(committed(copy), plan), f"{copy.parent.name}/{copy.name}: make lessons"


def edit_source(notebook):
    notebook.cells[-1].source += " "


def edit_tags(notebook):
    notebook.cells[1].metadata["tags"] = []


def edit_points(notebook):
    check = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")][0]
    check.metadata["nbgrader"]["points"] += 1


def edit_id(notebook):
    notebook.cells[2]["id"] = "another"


def edit_type(notebook):
    notebook.cells[-1] = new_code_cell(notebook.cells[-1].source, id=notebook.cells[-1]["id"])


def delete_cell(notebook):
    del notebook.cells[3]


def add_cell(notebook):
    notebook.cells.append(new_code_cell("1 + 1"))


def swap_cells(notebook):
    notebook.cells[2], notebook.cells[3] = notebook.cells[3], notebook.cells[2]


def edit_front_matter(notebook):
    notebook.metadata["course"]["minutes"] += 1


EDITS = [
    edit_source,
    edit_tags,
    edit_points,
    edit_id,
    edit_type,
    delete_cell,
    add_cell,
    swap_cells,
    edit_front_matter,
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_hand_edited_notebook_is_caught(edit, tmp_path):
    for _, plan in lessons.products(TOY):
        copy = deepcopy(plan)
        edit(copy)
        nbformat.write(plan, tmp_path / "as_planned.ipynb")
        nbformat.write(copy, tmp_path / "edited.ipynb")
        assert lessons.same_plan(nbformat.read(tmp_path / "as_planned.ipynb", as_version=4), plan)
        assert not lessons.same_plan(nbformat.read(tmp_path / "edited.ipynb", as_version=4), plan)


def test_student_copy_holds_no_solution_and_nothing_for_instructors(lesson):
    full, student = (notebook for _, notebook in planned(lesson))
    stubs = {cell["id"]: cell.source for cell in student.cells}
    everything = "\n".join(stubs.values())
    assert "SOLUTION" not in everything
    for cell in full.cells:
        if "instructor" in rules.tags(cell):
            assert cell["id"] not in stubs and cell.source not in everything
    for cell in lessons.read_source(lesson).cells:
        if "exercise" in cell.metadata:
            solution = re.search(r"### BEGIN SOLUTION\n(.+)### END", cell.source, re.DOTALL)[1]
            for line in solution.splitlines():
                assert not line.strip() or line.strip() not in stubs[cell["id"]].splitlines()
            assert "return None" in stubs[cell["id"]]


# The rules


def test_code_cells_are_short(plan):
    assert not list(rules.cells_too_long(plan))


def test_no_cell_is_empty_and_no_statement_ends_in_a_semicolon(plan):
    assert not list(rules.empty_or_joined_statements(plan))


def test_every_picture_says_in_words_what_it_shows(copy):
    assert not list(rules.pictures_without_words(committed(copy)))


def test_links_of_a_lesson_lead_somewhere(copy, plan):
    assert not list(rules.dead_links(rules.prose(plan), copy.parent, ROOT, lessons.repository()))


@pytest.mark.parametrize("file", TALK, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(file):
    text = file.read_text(encoding="utf-8")
    assert not list(rules.dead_links(text, file.parent, ROOT, lessons.repository(), github=True))


def test_front_matter_is_complete(lesson):
    course = lessons.read_source(lesson).metadata["course"]
    for key in lessons.FRONT_MATTER:
        assert course[key] or key == "extras", f"{key} is empty"
    assert len(course["objectives"]) >= 2
    known = lessons.tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(course["extras"]) <= set(known["project"]["optional-dependencies"])
    front = planned(lesson)[1][1].cells[0].source
    for value in [course["title"], course["question"], course["licence"], *course["objectives"]]:
        assert value in front
    assert f"/blob/main/notebooks/{lesson.stem}.ipynb" in front


def test_missing_front_matter_is_named(tmp_path):
    text = TOY.read_text(encoding="utf-8")
    for key in lessons.FRONT_MATTER:
        bad = tmp_path / "01_bad.py"
        bad.write_text(re.sub(rf"#   +{key}:", f"#     not_{key}:", text), encoding="utf-8")
        with pytest.raises(ValueError, match=rf"01_bad.py: the front matter lacks {key}$"):
            lessons.read_source(bad)


def test_planned_minutes_are_the_sum_of_their_parts(lesson):
    source = lessons.read_source(lesson)
    parts = lessons.planned_minutes(source)
    said = source.metadata["course"]["minutes"]
    assert abs(sum(parts) - said) <= 3, f"{said} minutes are said, {parts} add up to {sum(parts)}"


def test_outputs_are_tidy(copy):
    assert not list(rules.untidy_outputs(committed(copy)))


def test_notebook_is_smaller_than_a_megabyte_and_a_half(copy):
    assert copy.stat().st_size < 1_500_000


def test_exercises_have_check_hints_and_solution(taught):
    assert not list(rules.unfinished_exercises(lessons.read_source(taught)))


def test_solutions_pass_their_checks_and_stubs_get_a_hint(taught):
    full, student = (committed(target) for target, _ in planned(taught))
    points = 0
    for notebook, solved in ((full, True), (student, False)):
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade"):
                text = "".join(output.get("text", "") for output in cell.outputs)
                assert ("correct" in text, "Hint: " in text) == (solved, not solved), text
                points += cell.metadata["nbgrader"]["points"]
    assert points > 0


def test_every_option_of_the_quiz_is_explained(taught):
    for _, plan in planned(taught):
        assert not list(rules.unexplained_options(plan))


def test_nbval_compares_most_cells_and_all_claims(copy):
    assert not list(rules.uncompared_claims(committed(copy)))
    assert rules.share_compared(committed(copy)) >= 0.6


# The rules catch what they are for


def code(source, tags=(), *outputs):
    cell = new_code_cell(source, metadata={"tags": list(tags)}, outputs=list(outputs))
    cell.execution_count = 1
    return new_notebook(cells=[cell])


def text(*sources):
    return new_notebook(cells=[new_markdown_cell(source) for source in sources])


def printed(words, name="stdout"):
    return new_output("stream", text=words, name=name)


def exercise(source, check="checks.delta_e(f)", hint="<summary>Hint", **metadata):
    cells = []
    for _ in range(3):
        cells += [
            new_code_cell(source, metadata={"exercise": "delta_e", "minutes": 1} | metadata),
            new_code_cell(check, metadata={"check": "delta_e", "points": 1}),
            new_markdown_cell(hint),
        ]
    return new_notebook(cells=cells)


PICTURE = new_output("display_data", data={"image/png": "aGk="}, metadata={})
SOLVED = "def f(a):\n    ### BEGIN SOLUTION\n    return a\n    ### END SOLUTION"
QUIZ = "## Quiz\n**1. Why?**\n"
A = "<details><summary>A. Since.</summary>Right, because it is like that.</details>\n"
B = "<details><summary>B. So.</summary>No, because it is not like that.</details>\n"

BROKEN = [
    (rules.cells_too_long, code("\n\n".join("x = 1" for _ in range(16))), "16 lines"),
    (rules.cells_too_long, code(f"x = '{'a' * 96}'"), "columns"),
    (rules.empty_or_joined_statements, code("x = 1; y = 2"), "semicolon"),
    (rules.empty_or_joined_statements, code("plot(x);"), "semicolon"),
    (rules.empty_or_joined_statements, code("# later"), "only comments"),
    (rules.empty_or_joined_statements, text(" \n"), "empty"),
    (rules.pictures_without_words, text("![a short one](x.png)"), "a short one"),
    (rules.pictures_without_words, text('<img src="x.png">'), "alt text is ''"),
    (rules.pictures_without_words, code("show()", [], PICTURE), "alt text is ''"),
    (rules.untidy_outputs, code("x", [], printed("in /tmp/me/a.png")), "/tmp/m"),
    (rules.untidy_outputs, code("x", [], printed("on 2025-01-31")), "a date"),
    (rules.untidy_outputs, code("x", [], printed("at 12:30:59")), "a time of day"),
    (rules.untidy_outputs, code("x", [], printed("<f at 0x7f00aa12>")), "a memory address"),
    (rules.untidy_outputs, code("x", [], printed("Wall time: 3 s")), "a duration"),
    (rules.untidy_outputs, code("x", [], printed("3/3 12.5 it/s")), "a duration"),
    (rules.untidy_outputs, code("x", [], printed("UserWarning: old")), "a warning"),
    (rules.untidy_outputs, code("x", [], printed("oh", "stderr")), "standard error"),
    (rules.untidy_outputs, code("x", [], new_output("error", ename="E")), "an error"),
    (rules.untidy_outputs, new_notebook(cells=[new_code_cell("x")]), "not executed"),
    (rules.uncompared_claims, code("print(1)", [], printed("1")), "no cell is tagged claim"),
    (rules.uncompared_claims, code("assert True", ["claim"]), "nothing of it"),
    (
        rules.uncompared_claims,
        code("print(1)", ["claim", "nbval-ignore-output"], printed("1")),
        "nothing of it",
    ),
    (
        rules.uncompared_claims,
        code("# NBVAL_IGNORE_OUTPUT\nprint(1)", ["claim"], printed("1")),
        "nothing of it",
    ),
    (rules.unfinished_exercises, text("none"), "0 exercises"),
    (rules.unfinished_exercises, exercise("def f(a):\n    return a"), "no solution"),
    (rules.unfinished_exercises, exercise(SOLVED, minutes=0), "no minutes"),
    (rules.unfinished_exercises, exercise(SOLVED, check="f(1)"), "not checked by"),
    (rules.unfinished_exercises, exercise(SOLVED, hint="good luck"), "no hints"),
    (rules.unfinished_exercises, exercise(SOLVED, exercise="other"), "needs one check"),
    (
        rules.unfinished_exercises,
        new_notebook(cells=[*exercise(SOLVED).cells, new_code_cell("print(f(3))")]),
        "needs exercise delta_e",
    ),
    (rules.unexplained_options, text("## Summary"), "no quiz"),
    (rules.unexplained_options, text(QUIZ + A), "the options 'A'"),
    (rules.unexplained_options, text(QUIZ + B + A), "the options 'BA'"),
    (rules.unexplained_options, text(QUIZ + A + "- B. So."), "without an explanation"),
    (rules.unexplained_options, text(QUIZ + B.replace("B.", "A.") + B), "0 explanations"),
    (
        rules.unexplained_options,
        text(QUIZ + A + "<details><summary>B. So.</summary>No.</details>"),
        "option B is not explained",
    ),
]
FINE = [
    (rules.cells_too_long, code("\n\n".join("x = 1" for _ in range(15)))),
    (rules.empty_or_joined_statements, code("%matplotlib inline\nx = 'a; b'  # c; d")),
    (rules.untidy_outputs, code("x", [], printed("ab /110, 3/4 of L/2 on 16:9"))),
    (rules.uncompared_claims, code("print(1)", ["claim"], printed("1"))),
    (rules.unfinished_exercises, exercise(SOLVED)),
    (rules.unexplained_options, text(QUIZ + A + B)),
]


@pytest.mark.parametrize(("rule", "notebook", "complaint"), BROKEN)
def test_rule_catches(rule, notebook, complaint):
    assert complaint in " ".join(rule(notebook))


@pytest.mark.parametrize(("rule", "notebook"), FINE)
def test_rule_lets_pass(rule, notebook):
    assert not list(rule(notebook))


def test_share_compared_counts_cells_that_print():
    told = [code("print(1)", [], printed("1")).cells[0] for _ in range(3)]
    untold = code("print(2)", ["nbval-ignore-output"], printed("2")).cells
    silent = code("x = 1").cells
    assert rules.share_compared(new_notebook(cells=[*told, *untold, *silent])) == 0.75


DEAD = [
    ("[x](missing.md)", "leads nowhere"),
    ("![x](missing.png)", "leads nowhere"),
    ('<img src="missing.png">', "leads nowhere"),
    ("[x](#Nowhere)", "no heading"),
    ("[x](page.md#nowhere)", "no such heading"),
    ("[x](https://example.org/us/it/blob/main/missing.md)", "names no file"),
    (
        "[x](https://colab.research.google.com/github/us/it/blob/main/missing.ipynb)",
        "names no file",
    ),
]
LIVE = [
    "[x](page.md)",
    "[x](page.md#a-heading-its-name)",
    "[x](#Here-is-it)",
    "[x](https://example.org/us/it/blob/main/page.md)",
    "[x](https://example.org/them/it/blob/main/missing.md)",
    "`[x](missing.md)`",
]


@pytest.mark.parametrize(("link", "complaint"), [*DEAD, *((link, None) for link in LIVE)])
def test_dead_links_are_told_from_live_ones(link, complaint, tmp_path):
    (tmp_path / "page.md").write_text("# A heading: its `name`\n", encoding="utf-8")
    page = f"## Here is it\n\n{link}\n"
    found = list(rules.dead_links(page, tmp_path, tmp_path, "https://example.org/us/it"))
    assert [complaint in sentence for sentence in found] == [True] * bool(complaint)


# Building


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A root with one toy lesson, built once."""
    root = tmp_path_factory.mktemp("course")
    (root / "solutions").mkdir()
    shutil.copy(TOY, root / "solutions")
    shutil.copy(ROOT / "pyproject.toml", root)
    source = root / "solutions" / TOY.name
    written = lessons.build(source, root)
    assert [str(path.relative_to(root)) for path in written] == [
        "solutions/01_toy.ipynb",
        "notebooks/01_toy.ipynb",
    ]
    return source


def test_building_again_changes_nothing(built):
    files = [target for target, _ in lessons.products(built, built.parents[1])]
    for path in files:  # newer than any module: somebody may be editing the package meanwhile
        os.utime(path, (time.time() + 3600,) * 2)
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    assert lessons.build(built, built.parents[1]) == []
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in files] == before


def test_building_from_nothing_gives_the_same_bytes(built):
    student = built.parents[1] / "notebooks" / "01_toy.ipynb"
    before = student.read_bytes()
    student.unlink()
    assert lessons.build(built, built.parents[1]) == [student]
    assert student.read_bytes() == before


def test_toy_student_copy_runs_with_no_exercise_done(built):
    root = built.parents[1]
    full = nbformat.read(root / "solutions" / "01_toy.ipynb", as_version=4)
    student = (root / "notebooks" / "01_toy.ipynb").read_text(encoding="utf-8")
    assert not list(rules.untidy_outputs(full))
    for secret in ("hidden_factor", "SOLUTION", "Everybody", "Say it twice", "A slide about"):
        assert secret not in student
    assert student.count("not done yet") == 2 and "correct" not in student
    assert str(full).count("correct on 2 hidden values") == 2
    assert not list(rules.pictures_without_words(full))


def test_changing_a_constant_makes_nbval_fail(built, tmp_path):
    notebook = nbformat.read(built.with_suffix(".ipynb"), as_version=4)
    nbformat.write(notebook, tmp_path / "as_built.ipynb")
    (claim,) = (cell for cell in notebook.cells if "claim" in rules.tags(cell))
    claim.source = claim.source.replace("factor = 2", "factor = 3")
    nbformat.write(notebook, tmp_path / "changed.ipynb")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    env = {key: value for key, value in os.environ.items() if not key.startswith("COURSE_")}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-q", "-rf", "as_built.ipynb", "changed.ipynb"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    failed = re.findall(r"^FAILED (\S+)::Cell (\d+)", run.stdout, re.MULTILINE)
    index = rules.code_cells(notebook).index(claim)
    assert (run.returncode, failed) == (1, [("changed.ipynb", str(index))]), run.stdout
