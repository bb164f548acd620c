"""The people on a website: who they are, what they may see, whether they are here."""
