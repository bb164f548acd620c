"""`python -m omnibox.cli`, where the script is not on the path."""

from omnibox.cli import main

main()
