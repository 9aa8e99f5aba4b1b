"""Bearer tokens of the API: named, hashed, expiring, each for some scopes.

What a scope means is said by the app that owns the resource.
"""
