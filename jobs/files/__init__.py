"""The files of jobs: write, publish, read in ranges, and delete them, and find orphans.

A row without a file, or a file without a row, lasts no longer than until the next sweep. The kind alone knows what a
file contains.
"""
