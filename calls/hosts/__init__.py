"""Remote hosts: their limits over all workers, whose turn it is, and until when a host is closed."""
