"""``python -m provisioning``: the same as ``tram``."""

from provisioning.cli import main

raise SystemExit(main())
