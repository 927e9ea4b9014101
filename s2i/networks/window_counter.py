"""How many windows an image shows, as a number that gradients flow through."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from s2i.core.errors import UserError, first_line
from s2i.core.files import whole_file

SIDE = 128  # pixels that every image is looked at in, those of the renders it learned from
STRIDE = 4  # pixels that one place of the density stands for


class WindowDensity(nn.Module):
    """A density of windows whose sum over an image is their number.

    forward(images): (B, 3, H, W) in [-1, 1], H and W alike -> (B, 1, 32, 32), at least 0.
    Source: the idea is that of Lempitsky and Zisserman, "Learning to count objects in images", 2010.
    """

    def __init__(self, channels: int = 48):
        super().__init__()
        layers = [(12, channels, 1, 1), (channels, channels, 2, 1)]
        layers += [(channels, channels, 1, dilation) for dilation in (1, 2, 4)]
        self.layers = nn.Sequential(
            nn.PixelUnshuffle(2),
            *(
                nn.Sequential(nn.Conv2d(a, b, 3, stride, dilation, dilation), nn.GroupNorm(8, b), nn.SiLU())
                for a, b, stride, dilation in layers
            ),
            nn.Conv2d(channels, 1, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[-1] != SIDE:
            images = F.interpolate(images, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
        return F.softplus(self.layers(images).float() - 4)  # nearly none at first

    def count(self, images: Tensor) -> Tensor:
        """How many windows each image shows: (B, 3, H, W) in [-1, 1] -> (B,), differentiable."""
        return self(images).sum(dim=(1, 2, 3))

    def save(self, file: Path) -> None:
        """Write the weights, halved in precision."""
        with whole_file(file) as draft:
            save_file({name: tensor.half().contiguous() for name, tensor in self.state_dict().items()}, draft)

    @classmethod
    def load(cls, file: str | Path) -> "WindowDensity":
        """Trained and frozen; raises UserError when the file is not what `save` wrote."""
        model = cls()
        try:
            model.load_state_dict({name: tensor.float() for name, tensor in load_file(file).items()})
        except (SafetensorError, OSError, RuntimeError) as error:
            raise UserError(f"{file} holds no window counter ({first_line(error)}); restore it with git.") from None
        return model.eval().requires_grad_(False)
