"""Links with which people who do not sign in can download the file of a job, until the link ends or is revoked.

The address is a signed id. The row of the link and the state of its job decide at each request whether it works. What
the pages look like is the business of the faces.
"""
