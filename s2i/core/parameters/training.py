"""The parameters of trainings: the fine-tuning, subjects and new words, and the student."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from s2i.core.parameters.fields import Batch, Count, Group, Seed, Share, template


class Optimisation(Group):
    """What any training loop of s2i needs to know; see `s2i.training.loop.fit`."""

    steps: Count = Field(description="The training takes this many steps.")
    batch_size: Batch = Field(description="One step learns from this many examples.")
    learning_rate: Annotated[float, Field(gt=0)] = Field(
        description="The learning rate of the optimiser after the warm-up."
    )
    optimizer: Literal["adamw", "adamw8bit"] = Field(
        "adamw", description="adamw8bit holds its moments in 8 bits; it needs a CUDA GPU and bitsandbytes."
    )
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.01, description="The weight decay of AdamW.")
    warmup_steps: Annotated[int, Field(ge=0)] = Field(
        0, description="The learning rate rises from 0 over this many steps."
    )
    max_gradient_norm: Annotated[float, Field(gt=0)] = Field(
        1.0, description="Gradients with a larger norm are scaled down to this one."
    )
    accumulate: Count = Field(
        1, description="Each batch is computed in this many parts, one after the other, to save memory."
    )
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="The trained weights are averaged over the steps with this decay; 0 turns this off."
    )
    checkpoint_every: Count = Field(
        100, description="A checkpoint, from which an interrupted training goes on, is written every n-th step."
    )
    validate_every: Count = Field(100, description="The model is validated every n-th step.")
    patience: Count | None = Field(
        None,
        description="The training stops after this many validations without improvement; null trains to the end.",
    )


class EdgeLoss(Group):
    """What the edges and windows of the image that training would draw cost, beside the noise."""

    weight: Annotated[float, Field(ge=0)] = Field(
        0.0, description="The edge loss is added to the error of the noise with this weight; 0 turns it off."
    )
    every: Count = Field(
        4, description="The edge loss is computed in every n-th step, as it takes two decodings of latents."
    )
    after: Share = Field(
        0.0,
        description="The edge loss begins after this share of the steps, so that a model learns from it that draws.",
    )
    below: Annotated[int, Field(ge=1)] = Field(
        1000,
        description="The edge loss counts at timesteps below this one, each as much as is left of the signal there.",
    )
    distance: Literal["l1", "lpips", "st_lpips"] = Field(
        "l1",
        description="How far edges are apart: l1 over several scales; lpips, whose weights are fetched; or st_lpips, "
        "which tolerates edges that are a pixel or two off.",
    )
    windows: Annotated[float, Field(ge=0)] = Field(
        0.1, description="A window too many or too few adds this much to the edge loss."
    )
    counter: str = Field(
        "data/base/windows.safetensors",
        description="This file has the network that counts windows; gradients flow through it.",
    )


class Train(Optimisation):
    """The fine-tuning."""

    alpha: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="The low-rank update dW is scaled by alpha / rank; null means alpha = rank, so the scale is 1.",
    )
    adapter_learning_rate: Annotated[float, Field(gt=0)] | None = Field(
        None, description="The low-rank update dW learns at this rate; null means learning_rate."
    )
    encoder_blocks: Annotated[int, Field(ge=0)] = Field(
        0,
        description="These parts of the ControlNet train beside the adapter: 0 none, 1 the encoder of the control "
        "image, each further one a down block.",
    )
    unet_rank: Annotated[int, Field(ge=0)] = Field(
        0,
        description="Low-rank updates of the UNet's attention train beside the ControlNet, with this rank: the look of "
        "an image is the UNet's.  0 leaves the UNet as it is.",
    )
    switch: Share | Literal["plateau"] = Field(
        0.5,
        description="With adapter two-step, LoRA takes over from modified LoRA after this share of the steps, or when "
        "the validation loss reaches a plateau.",
    )
    snr_gamma: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Timesteps are weighted by min-SNR with this gamma; null weighs all alike."
    )
    background_weight: Share = Field(
        1.0, description="The loss outside of the matte is weighted so; 0 looks at the building alone."
    )
    edge: EdgeLoss = EdgeLoss()
    prompt_dropout: Share = Field(0.1, description="This share of the examples is trained without a prompt.")
    condition_dropout: Share = Field(
        0.0, description="This share of the control images is blanked, for each kind on its own."
    )
    control_dropout: Share = Field(
        0.0,
        description="This share of the examples is learned without what the ControlNets add, as guidance by the sketch "
        "draws one of its predictions; a frozen UNet has that prediction from the base and learns nothing here.",
    )
    gradient_checkpointing: bool = Field(
        False,
        description="Activations are computed anew in the backward pass, which saves memory and takes a third longer.",
    )
    frozen: Literal["auto", "fp32", "bf16"] = Field(
        "auto",
        description="The UNet, which does not train, is held in this number format; auto takes that of precision.",
    )
    channels_last: bool = Field(True, description="Weights lie in the memory layout that convolutions are faster in.")
    compile: bool = Field(
        False,
        description="UNet and ControlNet are compiled with torch.compile: minutes at first, then faster steps.",
    )
    validation_images: Annotated[int, Field(ge=0)] = Field(
        12,
        description="So many validation sketches are drawn at each validation; the weights that draw them best are "
        "kept.  0 draws none and goes by the error of the noise.",
    )
    validation_steps: Annotated[int, Field(ge=1, le=1000)] = Field(
        8, description="A validation sketch is drawn in this many steps."
    )
    tracker: Literal["dvclive", "wandb"] = Field("dvclive", description="This library logs the training.")
    seed: Seed | None = Field(
        None, description="The seed of the training alone, which leaves the data as they are; null is the seed of all."
    )


class Learned(Group):
    """Which images of a class are learned from, and how they are named."""

    of: Literal["sketch", "photo"] = Field("sketch", description="The sketch or the photo of each record is learned.")
    images: Count | None = Field(
        None, description="So many images of a class are learned from; null takes all that are there to train."
    )
    naming: Annotated[str, AfterValidator(template("token", "label"))] = Field(
        "a drawing of {token}", description="The prompt that an image is learned and drawn with."
    )


class DreamBooth(Learned):
    """A subject bound to a rare word (Ruiz et al. 2023, "DreamBooth"): `adapter` full or lora, of the UNet."""

    subjects: Annotated[list[str], Field(min_length=1)] = Field(
        ["building"], description="These classes are learned, one after the other."
    )
    images: Count | None = Field(5, description="So many images of a subject are learned from; null takes all.")
    token: str = Field("sks", description="The rare word that the subject is bound to.")
    naming: Annotated[str, AfterValidator(template("token", "label"))] = Field(
        "a photo of {token} {label}", description="The prompt that an image is learned and drawn with."
    )
    prior_images: Annotated[int, Field(ge=0, le=100_000)] = Field(
        100,
        description="The base draws so many images of each subject's class, which are trained beside the subject; 0 "
        "turns this off.",
    )
    prior_weight: Annotated[float, Field(ge=0)] = Field(
        1.0, description="The loss of the images that the base drew is weighted so."
    )
    text_encoder: bool = Field(False, description="The text encoder trains too.")


def _with_token(sentence: str) -> str:
    if sentence in ("object", "style"):
        return sentence
    if "{token}" not in sentence:
        raise ValueError("it must name {token}, the word that is learned in it, or be object or style")
    return template("token", "label")(sentence)


Sentence = Annotated[str, AfterValidator(_with_token)]


class TextualInversion(Learned):
    """A new word, its embedding alone trained (Gal et al. 2022, "An image is worth one word")."""

    per: Literal["class", "all"] = Field(
        "class", description="Each class has a word of its own, or all classes have one word."
    )
    classes: list[str] | None = Field(None, description="Words are learned for these classes; null takes all.")
    templates: Annotated[list[Sentence], Field(min_length=1)] = Field(
        ["object"],
        description="The new word is learned in these sentences, which name {token}; object and style stand for the "
        "lists of Gal et al.",
    )
    flip: bool = Field(True, description="Each image is also learned mirrored.")
    initial: str | None = Field(
        None, description="The new word starts as this one; null starts from the name of its class."
    )


class TextInTheMiddle(Group):
    """Sketch to caption, by whom `caption` says, to image."""

    naming: Annotated[str, AfterValidator(template("caption"))] = Field(
        "{caption}", description="The prompt that is made of the sketch's caption."
    )


class Distill(Optimisation):
    """A student of the trained model that draws in few steps, as low-rank updates; see `s2i.training.distillation`."""

    steps: Annotated[int, Field(ge=0)] = Field(
        0, description="The training of the student takes this many steps; 0 makes no student."
    )
    rank: Count = Field(16, description="The rank of the student's low-rank updates.")
    loss: Literal["path", "consistency"] = Field(
        "path",
        description="path: the student learns where the teacher's trajectory ends, which is drawn before; consistency: "
        "it learns to agree with itself at neighbouring timesteps.",
    )
    solver_steps: Annotated[int, Field(ge=4, le=250)] = Field(
        20, description="The teacher's trajectory has this many steps."
    )
    batch_size: Batch = Field(8, description="One step learns from this many examples.")
    learning_rate: Annotated[float, Field(gt=0)] = Field(
        1.0e-3, description="The learning rate of the optimiser after the warm-up."
    )
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.0, description="The weight decay of AdamW.")
    warmup_steps: Annotated[int, Field(ge=0)] = Field(
        20, description="The learning rate rises from 0 over this many steps."
    )
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.98, description="The trained weights are averaged over the steps with this decay; 0 turns this off."
    )
