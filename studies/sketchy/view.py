"""Show what the study's photos and sketches are.  data/sketchy/items -> metrics/sketchy/data"""

from s2i.core import stage
from s2i.studies.sketchy import views

with stage.run(inputs=["items"], outputs=["views"]) as run:
    views.write(list(run.records("items")), run.output)
