"""Files that belong to jobs: written, published, read in ranges, deleted, and found again when they belong to nobody.

There is no row without a file, and no file without a row for longer than its sweep takes. What a file contains is the
kind's business.
"""
