"""The conformance kit: what omnibox relies on in every connector, as a test class to subclass."""

import inspect

import pytest

pytest.register_assert_rewrite(
    *(f"{__name__}.{part}" for part in ("base", "declared", "arriving", "leaving", "polling"))
)

from omnibox.testing.kit.applying import drop_what_does_not_apply  # noqa: E402
from omnibox.testing.kit.arriving import Arriving  # noqa: E402 - after the line that makes their asserts speak
from omnibox.testing.kit.declared import Declared  # noqa: E402
from omnibox.testing.kit.leaving import Leaving  # noqa: E402
from omnibox.testing.kit.polling import Polling  # noqa: E402

__all__ = ["ConnectorTests"]


class ConnectorTests(Declared, Arriving, Leaving, Polling):
    __doc__ = Declared.__mro__[1].__doc__

    def __init_subclass__(cls, **arguments: object) -> None:
        super().__init_subclass__(**arguments)
        drop_what_does_not_apply(cls)


for _part in ConnectorTests.__mro__[:-1]:
    for _name, _test in list(vars(_part).items()):
        # Marked here so that a project in pytest-asyncio's strict mode need not.
        if _name.startswith("test_") and inspect.iscoroutinefunction(_test):
            setattr(_part, _name, pytest.mark.asyncio(_test))
