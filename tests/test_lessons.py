"""Every lesson keeps the course's rules, and the builder gives the same notebooks twice."""

import importlib
import os
import re
import shutil
import subprocess
import sys
import time
from copy import deepcopy
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import lesson_rules as rules
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import lessons, placeholders, slides
from tools.inputs import inputs
from tools.minutes import Minutes, kept, length, minutes

ROOT = lessons.ROOT
TOY = Path(__file__).parent / "toy" / "01_toy.py"
SOURCES = lessons.sources()
TAUGHT = [path for path in SOURCES if path.stem != "00_start_here"]  # that one is a tour
# Limits that a lesson does not keep yet, and lessons on whose slides somebody typed numbers. Both
# may only shrink: a lesson that keeps what it is excused from must leave the list.
TOO_LONG: dict[str, set[str]] = {}
TYPED_NUMBERS: set[str] = set()
TALK = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


@cache
def planned(path):
    return lessons.products(path)


@cache
def source_of(path):
    return lessons.read_source(path)


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


def test_committed_notebook_is_what_its_source_and_the_stored_files_give(copy, plan):
    assert lessons.staleness(copy, plan) is None


def test_the_readme_lists_the_lessons_with_their_minutes():
    written = lessons.TABLE.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert written and written[0].strip() == lessons.table().strip(), "README.md: make lessons"


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
    notebook.metadata["course"]["running"] += 1


def edit_minutes(notebook):
    notebook.cells[0].source = re.sub(r"running \d+", "running 0", notebook.cells[0].source)


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
    edit_minutes,
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
    for cell in source_of(lesson).cells:
        if "exercise" in cell.metadata:
            solution = re.search(r"### BEGIN SOLUTION\n(.+)### END", cell.source, re.DOTALL)[1]
            for line in solution.splitlines():
                assert not line.strip() or line.strip() not in stubs[cell["id"]].splitlines()
            assert "return None" in stubs[cell["id"]]


# The rules


def test_a_lesson_keeps_its_limits(lesson):
    student = dict(planned(lesson))[ROOT / "notebooks" / f"{lesson.stem}.ipynb"]
    running = student.metadata["build"]["minutes"]
    over = rules.over_limits(student, *lessons.counted(source_of(lesson), student, running))
    assert set(over) == TOO_LONG.get(lesson.stem[:2], set()), list(over.values())


def test_running_takes_no_longer_than_the_front_matter_allows(lesson):
    built = committed(ROOT / "notebooks" / f"{lesson.stem}.ipynb").metadata
    assert built["build"]["minutes"] <= built["course"]["running"]


def test_numbers_on_slides_come_from_the_lesson(lesson):
    typed = list(rules.typed_numbers(source_of(lesson)))
    assert bool(typed) == (lesson.stem[:2] in TYPED_NUMBERS), typed


def test_exported_cells_only_define_and_need_nothing_else(lesson):
    assert not list(rules.broken_exports(source_of(lesson)))


def test_results_are_named_in_full(lesson):
    assert not list(rules.untraced_results(source_of(lesson)))


def test_optional_sections_say_so(plan):
    assert not list(rules.unmarked_options(plan))


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
    course = source_of(lesson).metadata["course"]
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


def test_outputs_are_tidy(copy):
    assert not list(rules.untidy_outputs(committed(copy)))


def test_notebook_is_smaller_than_two_megabytes_and_a_half(copy):
    assert copy.stat().st_size < 2_500_000  # one of photographs is larger than one of scenes


def test_exercises_have_check_hints_and_solution(taught):
    checks = importlib.import_module(f"course_utils.checks.lesson_{taught.stem[:2]}")
    assert not list(rules.unfinished_exercises(source_of(taught), checks))


def test_solutions_pass_their_checks_and_stubs_get_no_hint_before_an_attempt(taught):
    full, student = (committed(target) for target, _ in planned(taught))
    points = 0
    for notebook, solved in ((full, True), (student, False)):
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade"):
                text = "".join(output.get("text", "") for output in cell.outputs)
                assert ("correct" in text, "not done yet" in text) == (solved, not solved), text
                assert "Hint: " not in text
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


def finished(notebook):
    return rules.unfinished_exercises(notebook, CHECKS)


def exported(*sources):
    cells = [new_code_cell(source, metadata={"tags": ["export"]}) for source in sources]
    return new_notebook(cells=cells)


def slide(words):
    return new_notebook(cells=[new_markdown_cell(f"## S\n{words}", metadata={"deck": "slide"})])


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
CHECKS = SimpleNamespace(delta_e=None)
A = "<details><summary>A. Since.</summary>Right, because it is like that.</details>\n"
B = "<details><summary>B. So.</summary>No, because it is not like that.</details>\n"


def optional(words):
    return new_notebook(cells=[new_markdown_cell(words, metadata={"tags": ["optional"]})])


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
    (finished, text("none"), "0 exercises"),
    (finished, exercise("def f(a):\n    return a"), "no solution"),
    (finished, exercise(SOLVED, minutes=0), "no minutes"),
    (finished, exercise(SOLVED, check="f(1)"), "not checked by"),
    (finished, exercise(SOLVED, hint="good luck"), "no hints"),
    (finished, exercise(SOLVED, exercise="other"), "needs one check"),
    (
        finished,
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
    (rules.broken_exports, exported("import os\nprint(os)"), "more than define: line 2"),
    (rules.broken_exports, exported("'''a'''", "for i in []:\n    x = i"), "more than define"),
    (rules.broken_exports, exported("x = np.zeros(3)"), "needs 'np', which no earlier"),
    (rules.broken_exports, exported("x = y", "y = 1"), "needs 'y', which no earlier"),
    (rules.broken_exports, exported("@jit\ndef f():\n    pass"), "needs 'jit', which no earlier"),
    (rules.broken_exports, exported("def f(a=WIDE):\n    return a"), "needs 'WIDE', which no ear"),
    (rules.broken_exports, exported("def f():\n    return g()"), "needs 'g', which no export"),
    (rules.broken_exports, exported("f = lambda: [g(i) for i in range(3)]"), "needs 'g', which no"),
    (rules.untraced_results, code("course.result(f'02/{name}')"), "puts a result's name together"),
    (rules.typed_numbers, slide("| S0 | 25.48 |"), "holds 25.48, typed by hand"),
    (rules.typed_numbers, slide("it gains **2.2 dB**."), "holds 2.2, typed by hand"),
    (rules.typed_numbers, slide("it gains {{2.2}} dB."), "{{2.2}} names nothing"),
    (rules.unmarked_options, optional("## More"), "begin it with a heading that says so"),
    (rules.unmarked_options, optional("It is optional."), "begin it with a heading that says so"),
]
FINE = [
    (rules.cells_too_long, code("\n\n".join("x = 1" for _ in range(15)))),
    (rules.empty_or_joined_statements, code("%matplotlib inline\nx = 'a; b'  # c; d")),
    (rules.untidy_outputs, code("x", [], printed("ab /110, 3/4 of L/2 on 16:9"))),
    (rules.uncompared_claims, code("print(1)", ["claim"], printed("1"))),
    (finished, exercise(SOLVED)),
    (rules.unexplained_options, text(QUIZ + A + B)),
    (
        rules.broken_exports,
        exported(
            "import numpy as np\nK = [i for i in range(3)]",
            "class A(np.ndarray):\n    n = len(K)\n    def f(self):\n        return g(self.n)",
            "def g(x, k=K):\n    y = x\n    return sum(y for _ in k)",
        ),
    ),
    (rules.broken_exports, code("print(undefined)")),
    (rules.untraced_results, code("course.result('02/targets')")),
    (rules.typed_numbers, slide('$y = x^{2.4}$, `T = 0.38`, "89.6 % natural", {{gain:.2f}} dB, 3')),
    (rules.typed_numbers, text("In the notebook 2.2 may stand.")),
    (rules.unmarked_options, optional("## More (optional)")),
]


@pytest.mark.parametrize(("rule", "notebook", "complaint"), BROKEN)
def test_rule_catches(rule, notebook, complaint):
    assert complaint in " ".join(rule(notebook))


@pytest.mark.parametrize(("rule", "notebook"), FINE)
def test_rule_lets_pass(rule, notebook):
    assert not list(rule(notebook))


def test_each_limit_of_a_lesson_is_watched():
    cells = [new_code_cell("\n".join(["x = 1", "", "y = 2"])) for _ in range(60)]
    cells += [new_code_cell("z = 3\n" * 330), new_markdown_cell("word " * 3001)]
    longest, marked = Minutes(40, 20, 20, 11), Minutes(40, 15, 20, 1)
    over = rules.over_limits(new_notebook(cells=cells), longest, marked)
    assert over == {
        "code cells": "61 code cells, at most 60",
        "words": "3001 words, at most 3000",
        "minutes": "91 minutes, at most 90",
        "marked minutes": "76 marked minutes, at most 75",
    }
    over = rules.over_limits(new_notebook(cells=cells[:1]), marked, None)
    assert list(over) == ["marked minutes"]
    lines = new_notebook(cells=[new_code_cell("z = 3\n" * 451)])
    assert list(rules.over_limits(lines, Minutes(1, 1, 1, 1), None)) == ["code lines"]


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


# Minutes


def test_minutes_count_words_lines_exercises_and_running():
    cells = [
        new_markdown_cell("one two three https://example.org/not/a/word <b>four</b> " * 75),
        new_code_cell("a = 1\n\nb = 2\n" * 15, id="first"),
        new_code_cell("c = 3", id="second"),
    ]
    assert length(cells) == (2, 31, 300)
    assert minutes(cells, {"first": 4, "second": 3, "dropped": 9}, 5) == (2, 2, 7, 5)


def test_the_marked_path_leaves_out_optional_cells_and_sections():
    def cell(words, *tags):
        return new_markdown_cell(words, metadata={"tags": list(tags)})

    notebook = new_notebook(
        cells=[
            cell("# one"),
            cell("## two (optional)", "optional"),
            cell("```\n# no heading\n```"),
            cell("### three"),
            cell("end of two\n\n## four"),
            cell("five", "optional"),
            cell("six"),
        ]
    )
    assert [c.source.split()[-1] for c in kept(notebook)] == ["one", "four", "six"]


def test_the_time_in_the_front_matter_counts_its_own_words(tmp_path):
    _, student = lessons.plan(TOY, running=7)
    whole, marked = minutes(student.cells, {}, 7), None
    assert f"**Time:** {sum(whole) + 5} minutes (reading {whole.reading}, code {whole.code}, "
    assert "exercises 5, running 7)\n" in student.cells[0].source and marked is None


# Numbers on slides


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{{gain[0]:+.2f}} dB and {{ share:.0%}}", ["gain[0]:+.2f", "share:.0%"]),
        ("$x^{{2}}$, $$\\frac{{a}}{{b}}$$, `{{code}}`, ```\n{{block}}\n```, &#123;&#123;", []),
        ("costs \\$5 and {{price}} \\$", ["price"]),
        ("{{table['S0']}} {{f(a, b)!r}} {{x[1:2]}}", ["table['S0']", "f(a, b)!r", "x[1:2]"]),
    ],
)
def test_placeholders_are_told_from_formulas_and_code(text, found):
    assert placeholders.found(text) == found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{{gain", r"a \{\{ is not closed"),
        ("{{}}", r"\{\{\}\} is no expression"),
        ("{{a b}}", r"\{\{a b\}\} is no expression"),
        ("{{if}}", r"\{\{if\}\} is no expression"),
    ],
)
def test_what_is_no_placeholder_is_named(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        placeholders.found(text)


def test_filling_keeps_the_rest_and_writes_a_minus():
    text = "a {{x:.1f}} $x^{{2}}$ {{y}}"
    assert placeholders.filled(text, ["-1.5", "well-known"]) == "a −1.5 $x^{{2}}$ well-known"
    for bad in ("nan", "+inf", "None", " "):
        with pytest.raises(ValueError, match=r"\{\{x:\.1f\}\} gives"):
            placeholders.filled(text, [bad, "1"])


def broken_toy(folder, old, new):
    """A root with a toy lesson in which something is replaced; its source."""
    source = folder / "solutions" / TOY.name
    source.parent.mkdir()
    shutil.copy(ROOT / "pyproject.toml", folder)
    text = TOY.read_text(encoding="utf-8")
    assert old in text
    source.write_text(text.replace(old, new), encoding="utf-8")
    return source


def test_a_placeholder_without_a_value_is_named_and_nothing_is_written(tmp_path):
    source = broken_toy(tmp_path, "{{factor * 3}}", "{{wrong * 3}}")
    complaint = r"deck cell '## A slide .*\{\{wrong \* 3\}\} raises NameError: .*wrong"
    with pytest.raises(ValueError, match="01_toy.py, " + complaint):
        lessons.build(source, tmp_path)
    assert not source.with_suffix(".ipynb").exists()


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


def test_slides_show_what_the_lesson_computed(built):
    cells = [cell.source for cell in slides.deck(built).cells]
    (slide,) = (text for text in cells if text.startswith("## A slide about doubling"))
    assert "| three, doubled | 6 |" in slide and "| less four | −4.00 |" in slide
    assert "In $x^{{2}}$ and in `{{code}}` braces stay" in slide
    student = nbformat.read(built.parents[1] / "notebooks" / "01_toy.ipynb", as_version=4)
    full = nbformat.read(built.with_suffix(".ipynb"), as_version=4)
    assert "doubled" not in str(student.metadata)
    for notebook in (full, student):  # the kernel's questions about slides leave no trace
        assert [cell.execution_count for cell in rules.code_cells(notebook)] == list(range(1, 9))


def test_a_slide_whose_placeholder_changed_since_is_refused(built, tmp_path):
    source = broken_toy(tmp_path, "{{factor * 3}}", "{{factor * 4}}")
    shutil.copy(built.with_suffix(".ipynb"), source.parent)
    with pytest.raises(ValueError, match="01_toy.ipynb is not what its source gives"):
        slides.deck(source)
    full, _ = lessons.products(source, tmp_path)
    assert "is not what solutions/01_toy.py gives" in lessons.staleness(*full, tmp_path)


def test_both_copies_state_the_minutes_that_were_measured(built):
    root = built.parents[1]
    whole, marked = lessons.times(built, root)
    assert marked is None and whole.running >= 1 and whole.exercises == 5
    for target, planned in lessons.products(built, root):
        notebook = nbformat.read(target, as_version=4)
        assert notebook.metadata["build"]["minutes"] == whole.running
        assert f"**Time:** {sum(whole)} minutes" in notebook.cells[0].source
        assert lessons.same_plan(notebook, planned)


def test_a_picture_is_written_for_the_readme(built):
    image = built.parents[1] / "docs" / "images" / "line.png"
    assert image.read_bytes().startswith(b"\x89PNG")


def test_an_unknown_lesson_is_named(monkeypatch):
    monkeypatch.setattr(lessons.sys, "argv", ["lessons", "77"])
    with pytest.raises(SystemExit, match="No such lesson: 77"):
        lessons.main()


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
    assert str(full).count("correct on 8 hidden values") == 2
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


# What a lesson is built with


def stored(root, name, text):
    file = root / "course_utils" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.fixture
def inputs_of(tmp_path):
    """inputs_of(code): the files that a lesson with this code is built with, without the folder."""
    stored(tmp_path, "results/02/targets.json", "{}")
    stored(tmp_path, "results/02/other.json", "{}")
    stored(tmp_path, "checkpoints/02_small.onnx", "small")
    stored(tmp_path, "checkpoints/03_large.onnx", "large")
    stored(tmp_path, "checkpoints/features.onnx", "features")
    systems = '[S0]\ncheckpoint = "02_small"\n[S1]\ncheckpoint = "03_large"\n'
    stored(tmp_path, "systems.toml", systems)

    def find(source, deck=None):
        cells = [new_code_cell(source)]
        if deck:
            cells.append(new_markdown_cell(deck, metadata={"deck": "slide"}))
        found = inputs(new_notebook(cells=cells), tmp_path)
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in found.values())
        return [Path(name).relative_to("course_utils").as_posix() for name in found]

    return find


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("course.result('02/targets')['n']", ["results/02/targets.json"]),
        ("for name in ['02/other']:\n    course.result(name)", ["results/02/other.json"]),
        ("%matplotlib inline\nColorizer.load('02_small')", ["checkpoints/02_small.onnx"]),
        ("features('features', size=64)", ["checkpoints/features.onnx"]),
        ("from course_utils.colorizer import names", ["02_small", "03_large"]),
        ("colorizer.names()", ["02_small", "03_large"]),
        ("systems.SYSTEMS['S0']", ["02_small", "03_large"]),
        ("Colorizer.load('my/02_small.onnx')", []),
        ("names = 3", []),
    ],
)
def test_results_and_checkpoints_are_found_in_the_code(source, files, inputs_of):
    assert inputs_of(source) == [f if "/" in f else f"checkpoints/{f}.onnx" for f in files]


def test_results_named_on_a_slide_are_found(inputs_of):
    assert inputs_of("x = 1", '{{course.result("02/other")["n"]}}') == ["results/02/other.json"]


def test_a_stored_file_that_changed_makes_a_lesson_stale(built, tmp_path):
    """A file that came, one that changed, a notebook that went; each is named. "double" is one."""
    root, file = tmp_path / "course", "course_utils/checkpoints/double.onnx"
    shutil.copytree(built.parents[1], root)
    source, copies = (
        root / "solutions" / TOY.name,
        ["notebooks/01_toy.ipynb", "solutions/01_toy.ipynb"],
    )
    stored(root, "results/01/unused.json", "{}")
    assert lessons.stale_lessons(root) == []
    old = [f"{copy} was built with another {file}: make lessons" for copy in copies]
    stored(root, "checkpoints/double.onnx", "first")
    assert sorted(lessons.stale_lessons(root)) == old
    for path, planned in lessons.products(source, root):
        committed = nbformat.read(path, as_version=4)
        committed.metadata["build"]["inputs"] = planned.metadata["build"]["inputs"]
        nbformat.write(committed, path)
    assert lessons.stale_lessons(root) == []
    stored(root, "checkpoints/double.onnx", "trained again")
    assert sorted(lessons.stale_lessons(root)) == old
    (root / "notebooks" / "01_toy.ipynb").unlink()
    assert "notebooks/01_toy.ipynb was never built: make lessons" in lessons.stale_lessons(root)
    source.write_text(source.read_text(encoding="utf-8") + "# More.\n", encoding="utf-8")
    told = "solutions/01_toy.ipynb is not what solutions/01_toy.py gives: make lessons"
    assert told in lessons.stale_lessons(root)
