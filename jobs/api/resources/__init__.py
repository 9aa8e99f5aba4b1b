"""The HTTP resource of a kind whose jobs have a type. A kind subclasses `JobResource`; `paths` makes the rest of it."""
