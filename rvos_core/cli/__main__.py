"""`python -m rvos_core.cli`: the same as `rvos`."""

import sys

from rvos_core.cli.main import main

sys.exit(main())
