"""Every claim of the five reports: quoted, measured from stored results, and judged by a rule.

One module a report holds its claims, `judging` the rules, `page` the document. `python -m
experiments.pages` writes what they give: `claims.json`, which lessons read, and `docs/claims.md`.
"""

from collections.abc import Callable, Iterator
from typing import Any

from course_utils import course
from course_utils.claims import AWAITED, Row
from experiments.claims import s0, s1, s2, s3, s4, s4_words  # noqa: F401 (each adds its claims)
from experiments.claims.judging import (
    CLAIMS,
    RULES,
    Claim,
    Difference,
    Found,
    compared,
    corrected,
    in_words,
)

Load = Callable[[str], Any]


def stored(name: str) -> dict[str, Any] | None:
    """A stored result, or None where there is none yet."""
    try:
        return course.result(name)
    except FileNotFoundError:
        return None


Measured = list[tuple[Claim, Found | None]]


def judged(load: Load = stored) -> list[Row]:
    """The rows of all claims, in the order of the reports; load gives a result by its name."""
    return rows(all_measured(load))


def all_measured(load: Load = stored) -> Measured:
    """Every claim with what its measurement gives, report by report."""
    claims = sorted(CLAIMS, key=lambda claim: claim.name[:2])
    return [(claim, measured(claim, load)) for claim in claims]


def rows(found: Measured) -> list[Row]:
    """The rows of claims; all differences that any of them rests on are corrected together."""
    p = iter(corrected([one.p for one in differences(found)]).tolist())
    return [judge(claim, of, p) for claim, of in found]


def differences(found: Measured) -> list[Difference]:
    """All differences that claims rest on, in their order, with the p-value of each alone."""
    return [one for claim, of in found if of and claim.rule is compared for one in of.evidence]


def measured(claim: Claim, load: Load = stored) -> Found | None:
    """What a claim's measurement gives; None where it has none, or where a result is not there."""
    results = [load(name) for name in claim.results]
    if claim.measure is None or any(result is None for result in results):
        return None
    return claim.measure(claim.said, *results)


def judge(claim: Claim, found: Found | None, p: Iterator[float]) -> Row:
    """The `Row` of one claim; p: gives the corrected p-values of its differences."""
    tested_on, evidence, words = found or Found("", None)
    if found and claim.rule is compared:
        alone, evidence = evidence, [one._replace(p=next(p)) for one in evidence]
        pairs = zip(evidence, alone, strict=True)
        words += "; ".join(in_words(one, first.p) for one, first in pairs)
    verdict = claim.rule(evidence) if claim.rule and found else claim.otherwise
    return Row(
        name=claim.name,
        report=claim.name[:2],
        quote=claim.quote,
        place=claim.place,
        tested=tested_on,
        measured=words,
        source=", ".join([f"lesson {claim.lesson}"] * bool(claim.lesson) + list(claim.results)),
        rule=rule_in_words(claim),
        verdict=verdict,
        note=claim.note,
    )


def rule_in_words(claim: Claim) -> str:
    """The name of a claim's rule and what it asks; or what it would take to test the claim."""
    if claim.rule is None:
        return claim.asks if claim.otherwise == AWAITED else f"It would take {claim.asks}"
    return f"({next(k for k, rule in RULES.items() if rule is claim.rule)}) {claim.asks}"
