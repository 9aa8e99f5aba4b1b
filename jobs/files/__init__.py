"""The files of jobs: write, publish, read in ranges, and delete them, and find orphans.

A row without a file, or a file without a row, lasts only until its sweep has found it. Only the kind knows the
contents of a file.
"""
