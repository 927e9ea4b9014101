"""Render a small Sketchy database of buildings.  -> data/sketchy/database"""

from s2i.core import stage
from s2i.embedded.sketchy_database import DatabaseSize, write_database

with stage.run() as (_, _, output):
    write_database(output.folder, DatabaseSize())
