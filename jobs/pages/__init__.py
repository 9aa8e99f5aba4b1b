"""Pages for people in a browser: signing in, tokens, and the list, detail and order form that a kind subclasses.

What only one kind shows stays in its own package. A view parses, calls one function and renders.
"""
