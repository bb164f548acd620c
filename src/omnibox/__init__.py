"""A self-hosted hub that brings website chat, Messenger and email into one inbox."""

__version__ = "0.1.0"
