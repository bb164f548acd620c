"""Measures omnibox against limits taken in the same run: `python -m bench [P]`."""
