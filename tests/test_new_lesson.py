"""What `make new` begins is a lesson: it builds, keeps every rule, and its checks tell their cases.

It happens in a copy of what a lesson needs of the repository.
"""

import importlib.util
import shutil

import lesson_rules as rules
import nbformat
import pytest

from tools import lessons, new_lesson, slides

FILES = ("solutions/12_new_name.py", "course_utils/checks/lesson_12.py")
CASES = "tests/check_cases/lesson_12.py"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A copy of the package without its networks and photographs, and of two files."""
    root = tmp_path_factory.mktemp("course")
    left_out = shutil.ignore_patterns("checkpoints", "album", "results", "__pycache__")
    shutil.copytree(lessons.ROOT / "course_utils", root / "course_utils", ignore=left_out)
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(lessons.ROOT / name, root)
    return root


@pytest.fixture(scope="module")
def source(root):
    """The source of lesson 12, begun and built; its kernel imports the copy of the package."""
    made = new_lesson.create("12_new_name", root)
    assert [path.relative_to(root).as_posix() for path in made] == [*FILES, CASES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(root))
        lessons.build(made[0], root)
    return made[0]


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def checks(source, root):
    return module(root / FILES[1])


def test_it_builds_and_its_solutions_are_right(source, root):
    assert lessons.stale_lessons(root) == []
    full = str(nbformat.read(source.with_suffix(".ipynb"), as_version=4))
    student = (root / "notebooks" / "12_new_name.ipynb").read_text(encoding="utf-8")
    assert full.count(": correct on") == 3 and student.count(": not done yet") == 3
    assert "New name" in full and "lesson_12" in full


def test_it_keeps_the_rules_of_a_source(source, checks):
    written = lessons.read_source(source)
    assert not list(rules.unfinished_exercises(written, checks))
    assert not list(rules.broken_exports(written))
    assert not list(rules.typed_numbers(written))
    assert not list(rules.untraced_results(written))


@pytest.mark.parametrize("folder", ["solutions", "notebooks"])
def test_it_keeps_the_rules_of_a_notebook(folder, source, root):
    notebook = nbformat.read(root / folder / "12_new_name.ipynb", as_version=4)
    for rule in (
        rules.cells_too_long,
        rules.empty_or_joined_statements,
        rules.pictures_without_words,
        rules.untidy_outputs,
        rules.uncompared_claims,
        rules.unexplained_options,
        rules.unmarked_options,
    ):
        assert not list(rule(notebook))
    assert rules.share_compared(notebook) >= 0.6
    assert not rules.over_limits(notebook, *lessons.times(source, root))


def test_its_deck_is_long_enough_and_filled_in(source):
    cells = slides.deck(source).cells
    kinds = [cell.metadata.slideshow.slide_type for cell in cells]
    assert 15 <= kinds.count("slide") == kinds.count("notes")
    assert any("1,218 parameters in three layers" in cell.source for cell in cells)


def test_its_checks_tell_right_from_wrong(checks, root, capsys):
    """As test_checks.py does: two right answers or more, eight wrong ones, each with a reason."""
    cases = module(root / CASES).CASES
    assert len(cases) == 3
    for exercise, (right, wrong) in cases.items():
        assert len(right) >= 2 and len(wrong) >= 8
        check = getattr(checks, exercise)
        for answer, words in [*((a, "correct on") for a in right.values()), *wrong.values()]:
            check(answer)
            said = capsys.readouterr().out
            assert words in said and ("Hint: " in said) == (words != "correct on"), said


def test_the_readme_lists_it(source, root):
    (row,) = (
        line
        for line in (root / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| [12]")
    )
    start = (
        "| [12](notebooks/12_new_name.ipynb) | New name | PyTorch | What does this lesson ask? |"
    )
    assert row.startswith(start)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("12_other", "The number 12 is taken by 12_new_name."),
        ("name", "'name' is no name of a lesson"),
        ("3_name", "'3_name' is no name of a lesson"),
        ("13_Name", "'13_Name' is no name of a lesson"),
        ("13_a name", "'13_a name' is no name of a lesson"),
        ("13_../name", "'13_../name' is no name of a lesson"),
        ("13", "'13' is no name of a lesson"),
        ("01_again", "course_utils/checks/lesson_01.py is there already."),
    ],
)
def test_what_cannot_be_begun_is_told_and_leaves_nothing(name, complaint, source, root):
    before = sorted(root.rglob("*"))
    with pytest.raises(ValueError) as told:
        new_lesson.create(name, root)
    assert complaint in str(told.value) and "\n" not in str(told.value)
    assert sorted(root.rglob("*")) == before


def test_the_command_says_what_is_wrong(monkeypatch):
    for arguments, complaint in ([], "Name the lesson"), (["x"], "'x' is no name of a lesson"):
        monkeypatch.setattr(new_lesson.sys, "argv", ["new_lesson", *arguments])
        with pytest.raises(SystemExit, match=complaint):
            new_lesson.main()
