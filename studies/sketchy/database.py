"""Render a small Sketchy database of buildings.  -> data/sketchy/database"""

from s2i.core import stage
from s2i.embedded.sketchy_database import DatabaseSize, write_database

with stage.run(inputs=[], outputs=["database"]) as run:
    write_database(run.output, DatabaseSize())
