"""What may be shown of payloads and errors, and how secrets are stored: masking, redaction, encryption, search terms.

Everything that leaves the database for a page, a log or a response passes through here. Each kind names the secrets in
its payloads, since only the kind understands them.
"""
