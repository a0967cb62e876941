"""An archive of photographs, colorized by many processes of one machine or of a cluster.

`archive` walks, hands out and keeps the ledger; Dask distributed moves the work.
"""
