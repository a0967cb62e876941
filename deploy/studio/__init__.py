"""The studio: a web application where people colorize their own old photographs.

`python -m deploy.studio serve` opens it; the README says what it promises and how it is built.
"""
