"""Find the building in every photo, and cut away its background where asked to.  data/paired -> data/matted"""

from s2i import matting, records, stage

with stage.run() as (params, (source,), output):
    output.write(matting.cut_backgrounds(records.Records(source), output.folder, params.matte, params.work))
