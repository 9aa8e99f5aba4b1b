"""Where a job stands in its queue, how long it waits and how long it still takes, as values.

Nothing in here writes, and an estimate that is not known is left out, never invented.
"""
