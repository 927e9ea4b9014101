import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny, ControlNetModel

from s2i.core.params import Generate
from s2i.diffusion import base, sampling, schedulers
from s2i.diffusion.guidance import Guidance
from s2i.diffusion.sampling import SamplingSettings

SETTINGS = Generate(steps=4, guidance_scale=3.0)
LINES = np.zeros((64, 64), np.uint8)
LINES[::4] = 255


@pytest.fixture(scope="module")
def pipeline(tiny_base):
    pipeline = base.load(tiny_base, tiny_base / "controlnet")
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(pipeline, prompts=("red house",), seeds=(5,), control_images=None, on_step=None, **changes):
    control_images = [[LINES]] * len(prompts) if control_images is None else control_images
    images = sampling.generate(
        pipeline, list(prompts), list(seeds), settings(**changes), control_images=control_images, on_step=on_step
    )
    return np.stack(list(images)).astype(int)


def settings(**changes):
    """Those of SETTINGS with changes, unchecked ones."""
    return SamplingSettings.from_params(SETTINGS.model_copy(update=changes), 64)


@pytest.fixture
def watch():
    """watch(module, tell) has tell(first argument) called whenever the module computes."""
    handles = []
    yield lambda module, tell: handles.append(module.register_forward_pre_hook(lambda _, given: tell(given[0])))
    for handle in handles:
        handle.remove()


def plain(pipeline, name=None, **options):
    """What diffusers' own pipeline draws of the same."""
    given = pipeline.scheduler
    pipeline.scheduler = schedulers.make_scheduler(given, name, 4)
    image = torch.from_numpy(LINES)[None].expand(3, -1, -1) / 255
    shape = {"height": 64, "width": 64, "num_inference_steps": 4, "guidance_scale": 3.0, "output_type": "np"}
    generator = torch.Generator().manual_seed(5)
    try:
        drawn = pipeline("red house", image=image[None], generator=generator, **shape | options).images[0]
    finally:
        pipeline.scheduler = given
    return (drawn * 255).round().astype(int)


@pytest.mark.parametrize("name", [None, *schedulers.SCHEDULERS])
def test_every_scheduler_draws_what_a_pipeline_of_diffusers_draws(pipeline, name):
    ours, default = draw(pipeline, scheduler=name)[0], draw(pipeline)[0]
    assert np.abs(ours - plain(pipeline, name)).max() <= 1
    assert name in (None, "dpm-solver++") or np.abs(ours - default).max() > 1, "and not what the default one does"


@pytest.mark.parametrize("name", ["ddim", "lcm"])
def test_an_image_does_not_depend_on_its_batch(pipeline, name):
    prompts, seeds = ["red house", "tower", "red house"], [5, 6, 7]
    control_images = [[LINES], [255 - LINES], [LINES.T.copy()]]
    among = draw(pipeline, prompts, seeds, control_images, scheduler=name)
    for number in range(3):
        one = slice(number, number + 1)
        alone = draw(pipeline, prompts[one], seeds[one], control_images[one], scheduler=name)
        assert np.abs(alone[0] - among[number]).max() <= 1
    assert np.abs(among[0] - among[2]).max() > 10


def test_the_same_seed_draws_the_same_image_whatever_is_drawn_beside_it(pipeline):
    black = [[np.zeros((64, 64), np.uint8)]]
    alone = draw(pipeline, ["house"], [5], black, steps=2, guidance_scale=2.0)
    among = draw(pipeline, ["house"] * 3, [4, 5, 6], black * 3, steps=2, guidance_scale=2.0)
    assert np.abs(alone[0] - among[1]).max() <= 1
    assert np.abs(among[0] - among[1]).max() > 10


def test_the_control_image_and_the_prompt_change_the_image(pipeline):
    black = np.zeros((64, 64), np.uint8)
    prompts, control_images = ["house", "house", "red tower"], [[black], [LINES], [black]]
    images = draw(pipeline, prompts, [5] * 3, control_images, steps=2, guidance_scale=2.0)
    assert (images[0] != images[1]).any() and (images[0] != images[2]).any()


def test_the_control_interval_is_that_of_diffusers(pipeline):
    ours = draw(pipeline, control_interval=(0.0, 0.5))[0]
    assert np.abs(ours - plain(pipeline, control_guidance_end=0.5)).max() <= 1
    assert np.abs(ours - draw(pipeline)[0]).max() > 1


def test_the_control_scale_is_that_of_diffusers(pipeline):
    ours = draw(pipeline, conditioning_scale=0.5)[0]
    assert np.abs(ours - plain(pipeline, controlnet_conditioning_scale=0.5)).max() <= 1


def test_beyond_its_interval_guidance_is_neither_computed_nor_seen(pipeline, watch):
    sizes = []
    watch(pipeline.unet, lambda sample: sizes.append(len(sample)))
    within = draw(pipeline, guidance_interval=(0.25, 0.75))
    assert sizes == [1, 2, 2, 1]
    assert (draw(pipeline, guidance_interval=(0.0, 0.0)) == draw(pipeline, guidance_scale=1.0)).all()
    assert (within != draw(pipeline, guidance_scale=1.0)).any() and (within != draw(pipeline)).any()


@torch.no_grad()
def prediction(pipeline, step, prompt, control_image):
    """What UNet and ControlNet predict at the beginning of a step, for a prompt and a control image or None."""
    embeds = sampling.encode_prompts(pipeline, [prompt])[prompt][None]
    where = step.latents_before, torch.tensor(step.timestep), embeds
    if control_image is None:
        return pipeline.unet(*where).sample
    image = torch.from_numpy(control_image)[None, None].expand(-1, 3, -1, -1) / 255
    down, mid = pipeline.controlnet(*where, image, return_dict=False)
    residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
    return pipeline.unet(*where, **residuals).sample


@pytest.mark.parametrize("rescale", [0.0, 0.7])
@pytest.mark.parametrize(
    ("scale", "control_scale", "predictions"),
    [(3.0, 1.0, 2), (3.0, 3.0, 2), (5.0, 2.5, 3), (2.0, 4.0, 3), (1.0, 3.0, 3), (1.0, 1.0, 1)],
)
def test_a_guided_step_is_equation_3_of_instructpix2pix(pipeline, watch, scale, control_scale, predictions, rescale):
    steps, sizes = [], []
    watch(pipeline.unet, lambda sample: sizes.append(len(sample)))
    changes = {"guidance_scale": scale, "control_guidance_scale": control_scale, "guidance_rescale": rescale}
    draw(pipeline, on_step=steps.append, scheduler="ddim", negative_prompt="tower", **changes)
    assert sizes == [predictions] * 4, "no prediction is computed that does not count"
    for step in steps:
        plain, controlled, both = (
            prediction(pipeline, step, prompt, control_image)
            for prompt, control_image in (("tower", None), ("tower", LINES), ("red house", LINES))
        )
        guided = plain + control_scale * (controlled - plain) + scale * (both - controlled)
        guided = rescale * guided * both.std() / guided.std() + (1 - rescale) * guided
        scheduler = schedulers.make_scheduler(pipeline.scheduler, "ddim", 4)
        expected = scheduler.step(guided, int(step.timestep), step.latents_before).prev_sample
        torch.testing.assert_close(step.latents, expected, atol=2e-5, rtol=1e-4)


def test_a_large_scale_costs_no_precision_in_bf16():
    guidance = Guidance(30.0, 30.0)
    near = torch.full((1, 4, 8, 8), 1.0).bfloat16()
    guided = guidance.combine(torch.cat([near, near]), guidance.branches())
    assert guided.dtype == torch.bfloat16 and torch.equal(guided, near)


def test_a_negative_prompt_is_that_of_diffusers(pipeline):
    ours = draw(pipeline, negative_prompt="tower")[0]
    assert np.abs(ours - plain(pipeline, negative_prompt="tower")).max() <= 1
    assert np.abs(ours - draw(pipeline)[0]).max() > 1
    unguided = {"guidance_scale": 1.0, "control_guidance_scale": 1.0}
    assert (draw(pipeline, negative_prompt="tower", **unguided) == draw(pipeline, **unguided)).all()


class UnscaledControlNet(ControlNetModel):
    """Guess mode also scales residuals down block by block, which has nothing to do with guidance."""

    def forward(self, *inputs, guess_mode=False, **options):
        return super().forward(*inputs, guess_mode=False, **options)


def test_equal_scales_are_the_guess_mode_of_diffusers(pipeline, watch):
    sizes = []
    watch(pipeline.controlnet, lambda sample: sizes.append(len(sample)))
    ours = draw(pipeline, control_guidance_scale=3.0)[0]
    assert sizes == [1] * 4, "the ControlNet computes for one of the two predictions"
    given = type(pipeline.controlnet)
    pipeline.controlnet.__class__ = UnscaledControlNet
    try:
        theirs = plain(pipeline, guess_mode=True)
    finally:
        pipeline.controlnet.__class__ = given
    assert np.abs(ours - theirs).max() <= 1
    assert np.abs(ours - draw(pipeline)[0]).max() > 1


def test_where_no_control_image_acts_its_guidance_costs_nothing(pipeline, watch):
    sizes = []
    watch(pipeline.unet, lambda sample: sizes.append(len(sample)))
    changes = {"control_interval": (0.0, 0.5)}
    draw(pipeline, control_guidance_scale=2.0, **changes)
    assert sizes == [3, 3, 2, 2]
    uncontrolled = {"control_interval": (0.0, 0.0)}
    assert (draw(pipeline, control_guidance_scale=2.0, **uncontrolled) == draw(pipeline, **uncontrolled)).all()


def test_rescaled_guidance_has_the_spread_of_the_unguided(pipeline):
    unconditional, conditional = torch.randn(2, 1, 4, 8, 8).unbind()
    guidance = Guidance(7.5, 7.5, rescale=1.0)
    guided = guidance.combine(torch.cat([unconditional, conditional]), guidance.branches())
    assert guided.std() == pytest.approx(conditional.std().item(), rel=1e-4)
    assert (draw(pipeline, guidance_rescale=0.7) != draw(pipeline)).any()


def test_text_and_control_images_are_embedded_once(pipeline, watch):
    seen = []
    watch(pipeline.text_encoder, lambda _: seen.append("text"))
    watch(pipeline.controlnet.controlnet_cond_embedding, lambda _: seen.append("control"))
    draw(pipeline, ["red house"] * 3, [1, 2, 3])
    assert sorted(seen) == ["control", "text", "text"], "the batch's control images; the prompt and the empty one"


def test_progress_is_told_and_what_it_raises_ends_the_drawing(pipeline):
    told = []
    draw(
        pipeline,
        ["house"] * 3,
        [1, 2, 3],
        batch_size=2,
        on_step=lambda step: told.append((step.step_index, step.num_steps)),
    )
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4)] * 2

    class Enough(Exception):
        pass

    def stop(step):
        told.append(step.step_index)
        raise Enough

    before = pipeline.controlnet.controlnet_cond_embedding
    with pytest.raises(Enough):
        draw(pipeline, on_step=stop)
    assert told[8:] == [0] and pipeline.controlnet.controlnet_cond_embedding is before


def test_a_drawing_left_half_way_does_not_show_in_the_next(pipeline):
    embeds = sampling.encode_prompts(pipeline, ["", "red house"])
    left = sampling.denoise(pipeline, embeds["red house"][None], embeds[""], [5], settings(), [[255 - LINES]])
    next(left)
    beside = draw(pipeline)
    left.close()
    assert (beside == draw(pipeline)).all()


def test_the_estimate_of_the_last_step_is_nearly_the_image(pipeline):
    steps = []
    (image,) = draw(pipeline, scheduler="ddim", steps=20, on_step=steps.append)
    estimates = [sampling.decode(pipeline, step.predicted_original())[0].astype(int) for step in (steps[0], steps[-1])]
    far, near = (np.abs(one - image).mean() for one in estimates)
    assert near < 2 and near < far / 2


def test_a_base_draws_from_words_alone(tiny_base):
    pipeline = base.load(tiny_base, None)
    pipeline.set_progress_bar_config(disable=True)
    (ours,) = sampling.generate(pipeline, ["red house"], [5], settings())
    generator = torch.Generator().manual_seed(5)
    drawn = pipeline(
        "red house", 64, 64, num_inference_steps=4, guidance_scale=3.0, generator=generator, output_type="np"
    )
    assert np.abs((drawn.images[0] * 255).round() - ours).max() <= 1


def test_a_tiny_decoder_draws_in_the_place_of_the_full_one(pipeline, monkeypatch):
    torch.manual_seed(0)
    channels = pipeline.vae.config.latent_channels
    tiny = AutoencoderTiny(
        encoder_block_out_channels=(8,) * 4, decoder_block_out_channels=(8,) * 4, latent_channels=channels
    )
    full = draw(pipeline)
    monkeypatch.setattr(pipeline, "vae", tiny)
    assert draw(pipeline).shape == full.shape and (draw(pipeline) != full).any()
