"""Find the building in every photo, and cut away its background where asked to.  data/paired -> data/matted"""

from s2i.core import records, stage
from s2i.dataset.matting import mattes

with stage.run() as (params, (source,), output):
    output.write(mattes.cut_backgrounds(records.Records(source), output.folder, params.matte, params.workers))
