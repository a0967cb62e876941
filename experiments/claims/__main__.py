"""`python -m course_utils.claims` writes docs/claims.md."""

from course_utils import claims

claims.DOCUMENT.write_text(claims.document(), encoding="utf-8")
