"""One function per exercise: it tries an answer on hidden input and says what is wrong with it.

A check prints one verdict and, when the answer is not right, one hint. It raises `CheckFailed`
only where somebody grades: under nbgrader, or with COURSE_STRICT=1. One module a lesson.
"""

from course_utils.checks.compare import CheckFailed
from course_utils.checks.lesson_01 import (
    delta_e,
    encode_srgb,
    error_in_ab,
    gray_to_L,
    largest_chroma,
)
from course_utils.checks.lesson_02 import (
    best_answer,
    conv_parameters,
    floor,
    receptive_field,
    route,
)
from course_utils.checks.lesson_03 import (
    fusion,
    interval,
    joint_loss,
    look,
    rows_seen,
)
from course_utils.checks.lesson_04 import (
    accuracies,
    fuse,
    see,
    shuffled,
    to_ab,
)
from course_utils.checks.lesson_05 import (
    annealed_mean,
    bin_weights,
    keep_bins,
    repaired,
    soft_code,
)
from course_utils.checks.lesson_06 import (
    choose_lambda,
    game,
    judge_gradient,
    patch,
)
from course_utils.checks.lesson_07 import (
    bills,
    can_fail,
    flaws,
    lookup,
    stays,
)
