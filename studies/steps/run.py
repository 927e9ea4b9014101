"""How much guidance an image needs, and how many steps: python studies/steps/run.py [SWEEP.yaml]

Run `dvc repro` before.  Validation sketches are drawn, no test photo is looked at.  Writes metrics/steps.csv,
metrics/steps.json and metrics/steps.png.
"""

import sys
from pathlib import Path

from s2i.core import params_file
from s2i.core.errors import UserError
from s2i.studies import steps

sweep = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("sweep.yaml")
try:
    steps.run_study(sweep, Path("data/augmented"), Path("models/trained"), Path("metrics"), params_file.load())
except UserError as error:
    sys.exit(f"steps: {error}")
