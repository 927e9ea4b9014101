"""Photos through the base's autoencoder and back: the best that any image of this base can be."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from s2i.core import cache, devices
from s2i.core.parallel import chunked
from s2i.core.params import Params
from s2i.diffusion import base, sampling
from s2i.diffusion.encoding import encode_images
from s2i.imaging import io, shapes, tensors


@torch.no_grad()
def cached_round_trips(photos: Sequence[str], params: Params) -> list[Path]:
    """Where the cache keeps each photo as the base's autoencoder gives it back, in the order of the photos."""
    device, precision = devices.pick(params.device, params.precision)
    key = (".png", "round trip", cache.code(__name__), cache.model_hash(params.base), device.type, precision)
    paths = {photo: cache.path(*key, cache.file_hash(photo)) for photo in photos}
    if missing := [photo for photo, path in paths.items() if not cache.is_whole(path)]:
        pipeline = base.load(params.base, None, devices.DTYPES[precision]).to(device)
        for batch in chunked(missing, params.generate.batch_size):
            images = [io.read(Path(photo)) for photo in batch]
            means, _ = encode_images(pipeline.vae, tensors.stack([shapes.on_square(image) for image in images]))
            latents = means.to(device, pipeline.vae.dtype) * pipeline.vae.config.scaling_factor
            for photo, image, square in zip(batch, images, sampling.decode(pipeline, latents), strict=True):
                cut = shapes.cut_out(square, image.shape[1], image.shape[0])
                cache.write(paths[photo], partial(io.write_png, image=cut))
    return [paths[photo] for photo in photos]
