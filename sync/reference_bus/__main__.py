"""``python -m sync.reference_bus CONFIG.toml``."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from appliance.errors import ConfigError
from sync.reference_bus.main import main

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    if len(sys.argv) != 2:
        sys.exit("python -m sync.reference_bus CONFIG.toml")
    try:
        sys.exit(main(Path(sys.argv[1])))
    except ConfigError as error:
        sys.exit(str(error))
