"""Render the embedded photos with their truth, and write their data card.  -> models/base/photos"""

from s2i.core import stage
from s2i.embedded.pretraining.cards import write_photos_card
from s2i.embedded.pretraining.params import FILE, PHOTOS_SEED, BaseParams
from s2i.embedded.rendering.write import write_corpus

with stage.run([], ["photos"], params=FILE, tree=BaseParams) as run:
    photos = run.params.photos
    write_corpus(run.output, photos.count, PHOTOS_SEED, photos.size, photos.samples, truth=True)
    write_photos_card(run.output)
