"""Clips: color that stays steady in time, measures of it, and video files from gray to color.

`steady` holds the filter, `measures` says how steady and how true a clip is, `streams` reads and
writes files, `converting` colorizes one. PyAV and OpenCV come with the extra `video`.
"""
