"""Completion callbacks: signed messages to the receiver that an order names, once its job has ended."""
