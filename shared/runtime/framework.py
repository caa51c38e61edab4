"""functions-framework's asyncio mode without Flask, which it imports for its other mode: a third of a cold start.

Images leave Flask and werkzeug out (image-excludes.txt). Stubs replace the names that the
framework imports from them; a release that imports more fails at every start.
"""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any


def import_asyncio_mode() -> None:
    """Import functions_framework.aio; a function that imports Flask itself gets the real one afterwards."""
    stand_ins = {name: ModuleType(name) for name in ("flask", "werkzeug", "werkzeug.local")}
    vars(stand_ins["flask"]).update(
        Request=Any,
        typing=SimpleNamespace(ResponseReturnValue=Any),
        has_request_context=lambda: False,
    )
    vars(stand_ins["werkzeug.local"]).update(LocalProxy=lambda make: make)
    sys.modules.update(stand_ins)
    import functions_framework.aio  # noqa: F401

    for name in stand_ins:
        del sys.modules[name]
