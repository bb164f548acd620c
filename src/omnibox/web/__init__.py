"""The doors: the agents' API, the live feed, the webhook door, the visitor door, the built pages."""

import sys
from importlib.util import LazyLoader, find_spec, module_from_spec


def _import_at_first_use(name: str) -> None:
    """Each module with routes names it in its annotations, which are read when a route is first asked."""
    spec = find_spec(f"{__name__}.{name}")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = LazyLoader(spec.loader)
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    globals()[name] = module  # else `from omnibox.web import …` would look into it


_import_at_first_use("models")  # some sixty shapes: a twentieth of a start
