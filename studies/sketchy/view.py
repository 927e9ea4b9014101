"""Show what the study's photos and sketches are.  data/sketchy/items -> metrics/sketchy/data"""

from s2i.core import records, stage
from s2i.studies.sketchy import views

with stage.run() as (params, (source,), output):
    views.write(list(records.Records(source)), output.folder)
