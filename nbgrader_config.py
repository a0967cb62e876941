"""nbgrader settings: what stands where a solution was, and how a lesson is graded.

Also read by tools/lessons.py, which makes the students' copies with the same stubs.
"""

from nbgrader.converters import Autograde
from nbgrader.preprocessors import OverwriteCells

c = get_config()  # noqa: F821  (given by nbgrader)

c.CourseDirectory.course_id = "color-from-gray"
# A stub returns a placeholder and never raises, so that "Run all" works with no exercise done.
c.ClearSolutions.code_stub = {"python": "return None  # replace this line with your answer"}

# Seconds for one cell. nbgrader's own 30 are less than importing a framework may take on a busy
# machine, and a lesson that fails to import scores nothing.
c.ExecutePreprocessor.timeout = 300


class PutChecksBack(OverwriteCells):
    """Put the checks that a student has deleted back at the end of the notebook.

    They run there like the others, so nobody has to grade them by hand. nbgrader's own way puts
    each behind its exercise, and grades nothing at all where the exercise is deleted as well.
    """

    def add_missing_grade_cells(self, nb, resources):
        """Called when `add_missing_cells` is set; gives the notebook with all of its checks."""
        released = self.gradebook.find_notebook(self.notebook_id, self.assignment_id)
        texts = {cell.name: cell for cell in released.source_cells}
        there = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells}
        for check in released.grade_cells:
            if check.name not in there:
                nb.cells.append(self.missing_cell_transform(texts[check.name], check.max_score))
        return nb, resources


c.OverwriteCells.add_missing_cells = True
c.Autograde.sanitize_preprocessors = [
    PutChecksBack if step is OverwriteCells else step
    for step in Autograde.sanitize_preprocessors.default()
]
