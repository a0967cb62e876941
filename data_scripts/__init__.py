"""Public data sets, one module each: `python -m data_scripts.NAME --out DIR`.

Each fetches or reads one data set, cleans it, and leaves photographs in `train` and `test`, a
`manifest.csv` and a `CARD.md`. Without --out it goes where `photos.load("NAME")` finds it.
"""
