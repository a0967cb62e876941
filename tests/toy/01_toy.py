# ---
# jupyter:
#   course:
#     title: A toy lesson
#     question: Does a lesson build?
#     objectives:
#       - double a number
#       - square a number
#     prerequisites: nothing
#     running: 1
#     data: none
#     licence: MIT
#     extras: []
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown] tags=["instructor"]
# Everybody in the room knows this one.

# %%
import numpy as np

from course_utils import course, plots
from course_utils.checks.compare import compare

# %% [markdown]
# ## Doubling a number
#
# A number added to itself; [the exercise](#Exercise-1:-double) asks for it.

# %% tags=["claim"]
factor = 2
course.claim("doubling adds", "3", f"{factor * 3}", f"equal: {factor * 3 == 3 + 3}")

# %% [markdown] deck="slide"
# ## A slide about doubling
#
# | three, doubled | {{factor * 3}} |
# | --- | --- |
# | less four | {{factor * 3 - 10:+.2f}} |
#
# In $x^{{2}}$ and in `{{code}}` braces stay; so does &#123;&#123;.

# %% [markdown] deck="notes"
# Say it twice.

# %% deck="figure" picture="line"
fig, axes = plots.grid(1, 1, width=2)
axes[0].plot([1, 2], [2, 4])
plots.show(fig, "a straight line rises from two at one to four at two")

# %% [markdown]
# ### Exercise 1: double


# %% exercise="double" minutes=2
def double(value):
    """Twice the value."""
    ### BEGIN SOLUTION
    hidden_factor = 2
    return hidden_factor * value
    ### END SOLUTION


# %% check="double" points=2
mistakes = {"this is half.": lambda v: v / 2}
given = [(np.array([1.0, 5.0]),), (np.ones((2, 3)),)]
compare("double", double, given, lambda v: 2 * v, mistakes, "add the value to itself.")

# %% [markdown]
# <details><summary>Hint</summary>Add it to itself.</details>
#
# ### Exercise 2: square


# %% exercise="square" minutes=3
def square(value):
    """The value times itself."""
    ### BEGIN SOLUTION
    return value**2
    ### END SOLUTION


# %% check="square" points=3
mistakes = {"this is double.": lambda v: 2 * v}
given = [(np.array([1.0, 5.0]),), (np.ones((2, 3)),)]
compare("square", square, given, lambda v: v * v, mistakes, "multiply it by itself.")

# %% [markdown]
# <details><summary>Hint</summary>Multiply it by itself.</details>
#
# ## Quiz
#
# **1. What is twice two?**
#
# <details><summary>A. Four.</summary>Right, two and two make four.</details>
# <details><summary>B. Five.</summary>That would be two and three.</details>
