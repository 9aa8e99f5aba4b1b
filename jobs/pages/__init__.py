"""Pages for people in a browser, as far as they belong to no kind: signing in, tokens, forms.

A view parses, calls one function and renders.
"""
