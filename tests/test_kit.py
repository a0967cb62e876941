"""The instructor's kit: questions whose answers are found another way, keys, minutes, grading."""

import csv
import functools
import os
import re
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from test_nbgrader import PATH

from course_utils import color, metrics
from tools import kit, lessons, questions

TEACHING = lessons.ROOT / "docs" / "teaching"
SHEETS = [questions.sheet(student, 1) for student in range(1, 31)]


def numbers(text):
    """The numbers of a text, in their order; "−" and commas between digits are understood."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text.replace("−", "-"))
    return [float(n) for n in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", text)]


def seen(size, strides):
    """How many inputs reach one value, by following them back."""
    first = last = 0
    for stride in reversed(strides):
        first, last = first * stride, last * stride + size - 1
    return last - first + 1


def mean_by_search(a, p):
    tried = np.linspace(-100, 100, 20001)
    return tried[np.argmin([((a - x) ** 2 * p).sum() for x in tried])]


def of_pairs(values):
    return np.array(values[0::2]), np.array(values[1::2])


def value_with_light(light):
    """The value of 0…255 whose light is this, by search."""
    tried = np.linspace(0, 1, 100_001)
    return 255 * np.interp(light, color.decode_srgb(tried), tried)


def one_hot(shares):
    return np.repeat(np.eye(len(shares)), np.round(10 * np.array(shares)).astype(int), axis=0)


def conv(size, before, after):
    return np.zeros((size, size, before, after)).size + after


# How a second person would work it out, from the numbers of the text alone.
ANSWERS = {
    "light_of_a_value": lambda v, _: color.decode_srgb(np.array(v / 255)),
    "one_stop": lambda v, _: value_with_light(2 * color.decode_srgb(np.array(v / 255))),
    "distance_in_lab": lambda *n: np.sqrt(sum((x - y) ** 2 for x, y in zip(n[:3], n[3:6]))),
    "loss_at_another_scale": lambda e, s: np.mean((np.full((9, 2), e) / s) ** 2),
    "mean_color": lambda *n: mean_by_search(*of_pairs(n)),
    "floor_of_the_squared_error": lambda a, p, b: (
        p * a**2 + (1 - p) * b**2 - (p * a + (1 - p) * b) ** 2
    ),
    "weights_of_a_convolution": lambda k, _, before, after: conv(int(k), int(before), int(after)),
    "psnr_of_an_error": lambda *n: -10 * np.log10(n[-1]),
    "receptive_field": lambda *n: seen(3, n),
    "epochs": lambda steps, batch, pictures: steps / (pictures / batch),
    "fusion_layer": lambda c, d, _, __, f: conv(1, int(c + d), int(f)),
    "separable": lambda *n: (
        np.zeros((3, 3, int(n[2]), int(n[2]))).size
        / (np.zeros((3, 3, int(n[2]))).size + np.zeros((int(n[2]), int(n[2]))).size)
    ),
    "frozen": lambda e, d: 4 * e + 12 * d,
    "annealed": lambda *n: np.exp(np.log(n[2]) / n[3]) / np.exp(np.log(n[:3]) / n[3]).sum(),
    "entropy": lambda p: (
        -np.mean(np.log(np.repeat([p, 1 - p], [round(p * 100), round(100 - p * 100)])))
    ),
    "calibration_error": lambda *n: sum(
        share / 100 * abs(said - right / 100)
        for share, said, right in zip(n[::3], n[1::3], n[2::3])
    ),
    "best_discriminator": lambda p, q: 1 / (1 + q / p),
    "patch": lambda n, k, *_: seen(k, [2] * int(n) + [1, 1]),
    "generator_pays": lambda d, l1, weight: np.log(1 / d) + weight * l1,
    "score_of_classes": lambda *n: metrics.inception_score(one_hot(n)),
    "frechet_in_one_dimension": lambda m, s, n, t: (
        m**2 - 2 * m * n + n**2 + s**2 + t**2 - 2 * s * t
    ),
    "interval_of_a_mean": lambda s, half: np.ceil(round((s * 1.96 / half) ** 2, 9)),
    "holm": lambda *n: sum(metrics.holm(list(n[:5]))),
    "own_share": lambda people, pictures, alike: people / (alike + (1 - alike) / pictures),
    "cold_starts": lambda warm, cold, share, _: warm + share / 100 * (cold - warm),
    "attention_weight": lambda ahead: np.exp(ahead) / (np.exp(ahead) + np.exp(0)),
    "on_the_line": lambda noise, to, t: np.interp(t, [0, 1], [noise, to]),
    "weight_of_the_past": lambda keep, own, frames: own * np.prod([keep] * int(frames)),
}


@pytest.mark.parametrize("place", range(len(questions.QUESTIONS)))
def test_the_key_is_what_another_way_finds(place):
    name = questions.QUESTIONS[place].__name__
    for sheet in SHEETS:
        question = sheet[place]
        if name == "megabytes":
            million, size = re.search(
                r"([\d.]+) million parameters, stored as (\w+)", question.text
            ).groups()
            found = float(million) * np.dtype(size).itemsize
        else:
            asked = re.sub(r"sRGB|CIELAB|1976|3 × 3 follow|95 %|5 %\?", "", question.text)
            found = ANSWERS[name](*numbers(asked))
        assert found == pytest.approx(question.answer, rel=1e-3, abs=5e-4), question


def test_neighbours_have_other_numbers_and_a_sheet_comes_again():
    for one, other in zip(SHEETS, SHEETS[1:]):
        same = sum(x.text == y.text for x, y in zip(one, other))
        assert same <= 2
    assert questions.sheet(7, 1) == SHEETS[6] != questions.sheet(7, 2)
    assert {q.lesson for q in questions.sheet(1, 1, ("05",))} == {"05"}


def test_every_lesson_with_exercises_has_questions_and_texts_are_clean():
    graded = {path.stem[:2] for path in lessons.sources() if 'check="' in path.read_text("utf-8")}
    assert graded <= {question.lesson for question in SHEETS[0]}
    for question in SHEETS[0] + SHEETS[11]:
        assert "np." not in question.text + question.why and question.text.endswith("?")


def test_sheets_and_key_agree(tmp_path):
    kit.sheets(tmp_path, 3, 1)
    with (tmp_path / "key.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert Counter(row["sheet"] for row in rows) == {str(i): len(SHEETS[0]) for i in (1, 2, 3)}
    text = (tmp_path / "sheet_02.md").read_text(encoding="utf-8")
    row = next(row for row in rows if (row["sheet"], row["question"]) == ("2", "5"))
    assert SHEETS[1][4].text in text and float(row["answer"]) == pytest.approx(
        SHEETS[1][4].answer, abs=0.06
    )
    assert row["why"] not in text


def test_sheets_ask_about_the_lessons_of_a_class_and_say_how_to_round(tmp_path):
    kit.sheets(tmp_path, 2, 1, ("01", "06"))
    with (tmp_path / "key.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["lesson"] for row in rows} == {"01", "06"}
    text = (tmp_path / "sheet_01.md").read_text(encoding="utf-8")
    asked = re.findall(
        r"^\*\*(\d+)\.\*\* .+ \((?:a whole number|1 digit|\d digits).*\)$", text, re.M
    )
    assert [int(number) for number in asked] == list(range(1, len(rows) // 2 + 1))


QUIZZED = [path for path in lessons.sources() if "## Quiz" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", QUIZZED, ids=lambda path: path.stem[:2])
def test_the_key_of_a_quiz_names_the_right_option(path):
    asked = kit.quiz(path)
    assert len(asked) >= 3
    letters = []
    for seed in range(5):
        sheet, key = kit.on_paper(path, seed)
        for number, question in enumerate(asked, 1):
            letter = re.search(rf"^\*\*{number}\. ([A-H])\*\*$", key, re.MULTILINE)[1]
            block = sheet.partition(f"**{number}. ")[2].partition("\n\n**")[0]
            assert f"- {letter}. {question.options[question.right][0]}" in block
            assert not any(why in sheet for _, why in question.options)
            letters.append(letter)
    assert len(set(letters)) > 1


def test_minutes_of_sections_add_up_to_those_of_the_lesson():
    for path in lessons.sources():
        whole, marked = lessons.times(path)
        parts = kit.sections(path)
        assert abs(sum(taken for _, taken, _ in parts) - (sum(whole) - whole.running)) <= len(parts)
        if marked:
            left_out = sum(taken for _, taken, optional in parts if optional)
            assert left_out <= sum(whole) - sum(marked) + len(parts)


def test_the_syllabi_state_the_minutes_of_today():
    text = (TEACHING / "syllabi.md").read_text(encoding="utf-8")
    assert kit.syllabi(text) == text, "call make lessons: it fills the minutes in"
    broken = re.sub(r"\| \d+ \|$", "| 1 |", text, flags=re.MULTILINE)
    assert kit.syllabi(broken) == text


def test_what_is_typed_live_runs():
    text = (TEACHING / "lessons.md").read_text(encoding="utf-8")
    scripts = re.findall(r"```python\n(.+?)```", text, re.DOTALL)
    assert len(scripts) >= 6
    done = subprocess.run(
        [sys.executable, "-c", "\n\n".join(scripts)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_folder_for_nbgrader_has_every_graded_lesson_and_its_points(tmp_path):
    kit.grading(tmp_path / "course")
    with (tmp_path / "course" / "points.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    graded = [path.stem for path in lessons.sources() if 'check="' in path.read_text("utf-8")]
    assert sorted({row["assignment"] for row in rows}) == graded
    for name in graded:
        stated = re.findall(
            r'check="(\w+)" points=(\d+)',
            (lessons.ROOT / "solutions" / f"{name}.py").read_text("utf-8"),
        )
        assert [int(row["points"]) for row in rows if row["assignment"] == name] == [
            int(points) for _, points in stated
        ]


# What takes long.


@pytest.mark.stress
def test_every_wrong_answer_has_a_row_with_what_the_check_says():
    from check_cases import all_cases

    page = kit.misconceptions()
    for _, exercise, cases in all_cases():
        part = page.partition(f"### {exercise}\n")[2].partition("\n###")[0]
        assert part.count("\n| ") >= len(cases.wrong) and "|  |" not in part


@pytest.mark.stress
def test_an_assignment_is_released_collected_graded_and_given_back(tmp_path):
    course, exchange = tmp_path / "course", tmp_path / "exchange"
    kit.grading(course)
    exchange.mkdir(mode=0o777)
    exchange.chmod(0o777)
    name, place = "01_lab_color", f"--Exchange.root={exchange}"
    teach = functools.partial(run_as, course)
    teach("generate_assignment", name)
    teach("release_assignment", name, place)
    student = tmp_path / "student"
    student.mkdir()
    chosen = place, "--course=color-from-gray"
    run_as(student, "fetch_assignment", name, *chosen)
    assert (student / name / f"{name}.ipynb").is_file()
    run_as(student, "submit", name, *chosen)
    teach("collect", name, place)
    (submitted,) = course.glob(f"submitted/*/{name}")
    teach("autograde", name)
    teach("generate_feedback", name)
    teach("release_feedback", name, place)
    pages = list(course.glob(f"feedback/{submitted.parent.name}/{name}/*.html"))
    assert len(pages) == 1 and "Score" in pages[0].read_text(encoding="utf-8")


def run_as(folder, command, name, *options):
    """A command of nbgrader in the folder of a course, or of a student."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("COURSE_")}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", command, name, *options],
        cwd=folder,
        env=env | {"PATH": PATH},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
