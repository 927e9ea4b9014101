import numpy as np
import pytest
from PIL import Image

from s2i.core.errors import UserError


def sketch_of(image):
    return Image.fromarray(np.where(image[..., :1].repeat(3, 2) > 120, 255, 20).astype(np.uint8))


@pytest.mark.parametrize("source", ["paired", "sketchy"])
def test_a_folder_of_another_layout_is_one_clear_sentence(ingest_folder, photo_folder, source):
    with pytest.raises(UserError, match=rf"ingest.source '{source}' wants"):
        ingest_folder(photo_folder, source=source)
