"""A static page that colorizes a visitor's photograph in the visitor's own browser.

`build` writes it, `page` holds its sources. `python -m deploy.browser` builds or serves it.
"""
