"""Where a job stands in its queue, how long it waits and how long it still takes, as values.

Nothing here writes, and an unknown estimate is left out, never invented.
"""
