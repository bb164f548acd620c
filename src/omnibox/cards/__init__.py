"""Proof and repair: what is stored is searched for card numbers, and today's rules are applied to what is old."""
