"""Names of a lesson are made by the cells that they need; claims are found by what they read."""

import pytest
from lesson_code import fails, ran

SOURCE = """\
# ---
# jupyter:
#   course: {title: T, question: Q, objectives: [o], prerequisites: p, running: 1, data: d,
#     licence: MIT, extras: []}
# ---

# %%
import math

trace = []

# %%
trace.append("expensive")
model = {"trained": False}

# %%
model["trained"] = True
WIDTH = 3

# %%
trace.append("unneeded")
rows = [1, 2]

# %%
def area(x):
    return ratio(x) * WIDTH

# %%
def ratio(x):
    return x / math.pi

# %%
size = sum(rows)
if size > 100:
    rows = []

# %%
gain, loss = 2.0, 0.5
assert gain > loss

# %%
def later():
    assert False

# %%
rows = ["last"]

# %%
assert sum([gain, -loss]) > 1, f"{rows}"
"""


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "01_small.py"
    path.write_text(SOURCE, encoding="utf-8")
    yield from ran(path, tmp_path)


def test_a_name_is_made_by_what_it_needs(lesson):
    assert lesson["WIDTH"] == 3 and lesson["gain"] == 2.0
    assert "rows" not in lesson._space and "area" not in lesson._space


def test_a_cell_that_changes_an_object_is_one_of_its_cells(lesson):
    assert lesson["model"]["trained"] is True


def test_what_a_function_calls_is_made_too_even_if_it_stands_below(lesson):
    assert lesson["area"](2) == pytest.approx(6 / 3.14159265)


def test_a_name_keeps_its_last_value_and_a_cell_sees_the_one_of_its_place(lesson):
    assert lesson["rows"] == ["last"]
    assert lesson["size"] == 3, "the cell that adds reads the rows above it"
    assert lesson["rows"] == ["last"]


def test_an_unknown_name_is_named(lesson):
    with pytest.raises(KeyError, match="nothing"):
        lesson["nothing"]


def test_claims_are_found_by_what_they_read(lesson):
    fails(lesson, gain=1.2)
    fails(lesson, gain=0.1, loss=0.2)
    with pytest.raises(pytest.fail.Exception):
        fails(lesson, loss=0.7)
    with pytest.raises(AssertionError, match="no cell asserts anything of size"):
        fails(lesson, size=1)


def test_a_claim_that_fails_keeps_the_names_of_the_lesson(lesson):
    fails(lesson, gain=0.0)
    assert lesson["gain"] == 2.0
