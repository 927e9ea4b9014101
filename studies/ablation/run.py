"""What the choices of a training are worth: python studies/ablation/run.py [EXPERIMENT ...]

Runs what experiments.yaml asks for and docs/ablation.csv lacks, then writes docs/ablation.md and docs/ablation.png.
"""

import os
import sys
from pathlib import Path

from s2i.core.errors import UserError
from s2i.studies.ablation import runs

HERE = Path(__file__).parent.resolve()
os.chdir(HERE.parents[1])
try:
    runs.run_study(HERE / "experiments.yaml", sys.argv[1:], HERE.parents[1])
except UserError as error:
    sys.exit(str(error))
