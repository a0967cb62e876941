"""Numbers on slides: `{{expression:format}}` in a deck cell becomes what the lesson computed.

A placeholder is what stands between the braces of an f-string: `{{gain[0]:+.2f}}`, or
`{{share:.0%}}`. It is evaluated among the lesson's own names, at the place of the deck cell. In
formulas ($...$) and in code (`...`) braces are left alone; elsewhere a literal `{{` is written
`&#123;&#123;`.
"""

import ast
import re
from collections.abc import Iterator

# A formula, a piece of code, or a placeholder, whichever begins first.
PIECE = re.compile(
    r"```.*?```|`[^`\n]*`|\$\$.+?\$\$|(?<!\\)\$(?:\\.|[^$\\])+\$|(?P<all>\{\{(?P<inner>.*?)\}\})",
    re.DOTALL,
)


def found(text: str) -> list[str]:
    """The placeholders of a deck cell, in their order and without their braces.

    Raises ValueError, with a sentence, for one that is not closed or no expression.
    """
    inner = [piece["inner"].strip() for piece in PIECE.finditer(text) if piece["all"]]
    if "{{" in PIECE.sub("", text):
        raise ValueError("a {{ is not closed by }}; a literal one is written &#123;&#123;")
    for expression in inner:
        try:
            tree(expression)
        except SyntaxError as error:
            sentence = f"{{{{{expression}}}}} is no expression with a format: {error.msg}"
            raise ValueError(sentence) from None
    return inner


def as_code(expression: str) -> str:
    """A placeholder as Python code that gives its text."""
    return f"f'''{{{expression}}}'''"


def tree(expression: str) -> ast.Expression:
    """The syntax tree of a placeholder. Raises SyntaxError."""
    return ast.parse(as_code(expression), mode="eval")


def names(expression: str) -> set[str]:
    """The names that a placeholder reads; none, where somebody copied a number by hand."""
    return {node.id for node in ast.walk(tree(expression)) if isinstance(node, ast.Name)}


def filled(text: str, values: list[str]) -> str:
    """The deck cell with its placeholders replaced; a leading hyphen becomes a minus sign.

    Raises ValueError for a value that is not a number any more (nan, inf, None).
    """
    for expression, value in zip(found(text), values, strict=True):
        if value.strip("+- %").lower() in ("nan", "inf", "none", ""):
            raise ValueError(f"{{{{{expression}}}}} gives {value!r}")
    left: Iterator[str] = iter(values)
    return PIECE.sub(
        lambda piece: re.sub(r"^-(?=[\d.])", "−", next(left)) if piece["all"] else piece[0], text
    )


def left_alone(text: str) -> str:
    """The words and numbers of a deck cell that were typed: no formula, code or placeholder."""
    return PIECE.sub("", text)
