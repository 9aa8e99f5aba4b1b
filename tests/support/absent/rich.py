"""Put on PYTHONPATH, it hides a package that only the tests need: production does not install it."""

raise ImportError("the production image does not have this package")
