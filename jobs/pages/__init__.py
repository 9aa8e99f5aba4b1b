"""Pages for people in a browser: signing in, tokens, and the list, detail and order form that a kind subclasses.

Pages that only one kind has stay in its own package. A view parses, calls one function and renders.
"""
