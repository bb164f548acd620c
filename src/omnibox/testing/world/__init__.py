"""The simulated world: real servers on loopback that play the platforms omnibox talks to."""
