"""nbgrader settings: what stands where a solution was. Also read by tools/lessons.py."""

c = get_config()  # noqa: F821  (given by nbgrader)

c.CourseDirectory.course_id = "color-from-gray"
# A stub returns a placeholder and never raises, so that "Run all" works with no exercise done.
c.ClearSolutions.code_stub = {"python": "return None  # replace this line with your answer"}
