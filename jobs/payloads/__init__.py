"""What may be shown of a payload or an error, and how secrets are kept: masking, redaction, encryption, search terms.

Whatever leaves the database for a page, a log or an answer goes through here. Only a kind understands its payload, so
the kind names what is secret in it.
"""
