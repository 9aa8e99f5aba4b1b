"""The common code of all kinds whose jobs have a type, such as a report type. It knows no particular kind.

The code of a type may be slow or broken, so outside of workers it runs in a separate process (`contained`).
"""
