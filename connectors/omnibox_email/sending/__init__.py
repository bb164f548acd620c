"""How mail leaves: written, built as bytes, handed over stage by stage."""
