"""What is needed to start: `omnibox.toml` in the home folder and OMNIBOX_* in the environment, environment first.

What an admin changes in the browser is in the database and not here.
"""

from omnibox.config.home import (
    AlreadyServing,
    NeedsServer,
    NotOurs,
    hold_home,
    is_served,
    open_blobs,
    open_secrets,
    prepare_home,
    require_server,
    require_writable,
)
from omnibox.config.reading import FILE_NAME, ConfigProblems, load
from omnibox.config.settings import Config

__all__ = [
    "FILE_NAME",
    "AlreadyServing",
    "Config",
    "ConfigProblems",
    "NeedsServer",
    "NotOurs",
    "hold_home",
    "is_served",
    "load",
    "open_blobs",
    "open_secrets",
    "prepare_home",
    "require_server",
    "require_writable",
]
