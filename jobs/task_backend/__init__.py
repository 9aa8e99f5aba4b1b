"""The backend of Django's task framework: `@task` functions of any app become jobs of the kind `task`.

`backend` enqueues them, `kind` runs them, and `results` tells how they went. `framework` is the only module that knows
which package the framework comes from.
"""
