"""params.yaml as one typed tree: unknown keys are refused, the nearest known one is suggested."""

from collections.abc import Callable
from string import Formatter
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Condition = Literal["sketch", "edges", "material"]
Scheduler = Literal["ddim", "dpm-solver++", "unipc", "euler", "lcm"]  # each is set up in s2i.diffusion.schedulers
Style = Literal["given", "pencil", "xdog", "canny", "line", "hed"]


def template(*words: str) -> Callable[[str], str]:
    """A check of prompt templates: they name at least one of ``words``, as {word}, and nothing else."""

    def check(given: str) -> str:
        try:
            named = {name for _, name, _, _ in Formatter().parse(given) if name is not None}
        except ValueError:
            named = set()
        if not named or named - set(words):
            raise ValueError(f"it must name {' or '.join(f'{{{word}}}' for word in words)}, and nothing else in braces")
        return given

    return check


class Group(BaseModel):
    """A group of parameters; extra keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Workers(Group):
    """How work over records is spread over processes or machines."""

    engine: Literal["loky", "ray"] = "loky"
    count: int = Field(-1, description="Number of processes; -1 starts one for each core.")


class Ingest(Group):
    """Which photos are read and how they are split."""

    source: Literal["folder", "paired", "sketchy"] = Field("folder", description="how the photos are laid out")
    classes: list[str] | None = Field(None, description="of a Sketchy database; null is all")
    require_licence: bool = Field(False, description="refuse photos without a licence, or without url or author")
    near_duplicate: Annotated[int, Field(ge=0, le=15)] = Field(
        4, description="bits of 64 that the perceptual hashes of two photos may differ by and still be one motif"
    )
    val: Share = 0.1
    test: Share = 0.3
    max_megapixels: Annotated[float, Field(gt=0, le=178)] = 178  # Pillow itself refuses more

    @model_validator(mode="after")
    def _leave_some_to_train(self):
        if self.val + self.test >= 1:
            raise ValueError("val and test together leave nothing to train on")
        return self


class Pair(Group):
    """Which sketches are made of every photo; ``given`` keeps those that came with it."""

    styles: Annotated[list[Style], Field(min_length=1)] = ["given", "pencil", "xdog"]


class Vlm(Group):
    """The vision language model that `caption.by: [vlm]` asks."""

    model: str = "Salesforce/blip2-opt-2.7b"
    question: Annotated[
        tuple[Count, ...],
        Field(min_length=1),
        BeforeValidator(lambda asked: [asked] if isinstance(asked, int) else asked),
    ] = Field((1,), description="of s2i/captioning/questions.yaml; of several, all are answered and the first captions")
    of: Literal["photo", "sketch"] = "photo"
    max_new_tokens: Count = 40
    batch_size: Count = 8


class Caption(Group):
    """How a photo is described."""

    by: Annotated[
        list[Literal["columns", "attributes", "vlm", "none"]],
        BeforeValidator(lambda by: [by] if isinstance(by, str) else by),
    ] = Field(["columns", "attributes"], description="who is asked, in turn, for what is not known yet; none is nobody")
    attributes: str = Field("data/base/attributes.safetensors", description="probes that read attributes off photos")
    vlm: Vlm = Vlm()
    empty: Share = 0.05

    @field_validator("by")
    @classmethod
    def _end_with_none(cls, by):
        if "none" in by[:-1]:
            raise ValueError("nobody is asked after none; let it stand last")
        return by


class Matte(Group):
    """How the background is found, and whether it is kept in the images."""

    model: str = Field("u2netp", description="any of rembg's")
    background: Literal["keep", "white", "transparent"] = "keep"


class Survey(Group):
    """What a good collection of photos would show: every value of an attribute as often as its others."""

    wanted: Annotated[
        dict[
            Literal["style", "view", "material", "roof", "curved", "glass"],
            Annotated[list[str | bool], Field(min_length=1)],
        ],
        Field(min_length=1),
    ] = {
        "style": ["modern", "neoclassical", "gothic", "american", "rural"],
        "view": ["left", "centre", "right"],
        "material": ["concrete", "steel", "brick", "stone", "glass", "wood"],
        "roof": ["flat", "pitched"],
        "curved": [True, False],
        "glass": [True, False],
    }


class Augment(Group):
    """How many training examples are made of one photo, and how much they vary."""

    variants: Count = 12
    flip: Share = 0.5
    empty_prompt: Share = 0.1
    drop_part: Share = 0.15
    synonym: Share = 0.2
    paper: Share = 0.5


class Encode(Group):
    """How latents and text embeddings are computed and stored."""

    batch_size: Count = 16
    shard_size: Count = 256


class Optimisation(Group):
    """What any training loop of s2i needs to know; see `s2i.training.loop.fit`."""

    steps: Count
    batch_size: Count
    learning_rate: Annotated[float, Field(gt=0)]
    optimizer: Literal["adamw", "adamw8bit"] = Field(
        "adamw", description="adamw8bit holds its moments in 8 bits; it needs a CUDA GPU and bitsandbytes"
    )
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    max_gradient_norm: Annotated[float, Field(gt=0)] = 1.0
    accumulate: Count = Field(1, description="parts that a batch is computed in, one after the other, to save memory")
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    checkpoint_every: Count = 100
    validate_every: Count = 100
    patience: Count | None = Field(None, description="validations without improvement before the training stops")


class EdgeLoss(Group):
    """What the edges and windows of the image that training would draw cost, beside the noise."""

    weight: Annotated[float, Field(ge=0)] = Field(0.0, description="beside the error of the noise; 0 is none")
    every: Count = Field(4, description="steps; it takes two decodings")
    below: Annotated[int, Field(ge=1)] = Field(400, description="timestep, from which up too little can be seen")
    windows: Annotated[float, Field(ge=0)] = Field(0.1, description="a window too many or too few, beside the edges")
    counter: str = Field("data/base/windows.safetensors", description="that counts windows so that gradients flow")


class Train(Optimisation):
    """The fine-tuning."""

    alpha: Annotated[float, Field(gt=0)] | None = Field(
        None, description="LoRA scale is alpha / rank; null is alpha = rank"
    )
    adapter_learning_rate: Annotated[float, Field(gt=0)] | None = Field(
        None, description="of dW; null is learning_rate"
    )
    encoder_blocks: Annotated[int, Field(ge=0)] = Field(
        0, description="trained beside the adapter: 1 the encoder of the control image, each further one a down block"
    )
    switch: Share | Literal["plateau"] = Field(
        0.5, description="two-step: share of the steps, or plateau, after which LoRA goes on where modified LoRA ends"
    )
    snr_gamma: Annotated[float, Field(gt=0)] | None = Field(None, description="of min-SNR weighting; null weighs alike")
    background_weight: Share = Field(1.0, description="of the loss outside the matte; 0 looks at the building alone")
    edge: EdgeLoss = EdgeLoss()
    prompt_dropout: Share = 0.1
    condition_dropout: Share = Field(0.0, description="share of the control images, of each kind, that are blanked")
    gradient_checkpointing: bool = Field(
        False, description="compute activations anew in the backward pass: less memory, a third more time"
    )
    frozen: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="number format that the UNet, which does not train, is held in; auto is that of precision"
    )
    channels_last: bool = Field(True, description="memory layout that convolutions are faster in")
    compile: bool = Field(False, description="torch.compile UNet and ControlNet; minutes at first, then faster steps")
    tracker: Literal["dvclive", "wandb"] = "dvclive"
    seed: Seed | None = Field(None, description="of the training alone, the data stay; null is the seed of all")


class Learned(Group):
    """Which images of a class are learned from, and how they are named."""

    of: Literal["sketch", "photo"] = Field("sketch", description="what of each photo is learned")
    images: Count | None = Field(None, description="of a class; null is all that train")
    naming: Annotated[str, AfterValidator(template("token", "label"))] = "a drawing of {token}"


class DreamBooth(Learned):
    """A subject bound to a rare word (Ruiz et al. 2023, "DreamBooth"): `adapter` full or lora, of the UNet."""

    subjects: Annotated[list[str], Field(min_length=1)] = Field(
        ["building"], description="classes; several are learned one after the other"
    )
    images: Count | None = 5
    token: str = Field("sks", description="a rare word")
    naming: Annotated[str, AfterValidator(template("token", "label"))] = "a photo of {token} {label}"
    prior_images: Annotated[int, Field(ge=0)] = Field(
        16, description="of each subject's class, drawn by the base and trained beside it; 0 is none"
    )
    prior_weight: Annotated[float, Field(ge=0)] = 1.0
    text_encoder: bool = Field(False, description="trains it too")


class TextualInversion(Learned):
    """A new word, its embedding alone trained (Gal et al. 2022, "An image is worth one word")."""

    per: Literal["class", "all"] = Field("class", description="a word for each class, or one for all")
    classes: list[str] | None = Field(None, description="null is all there are")
    initial: str | None = Field(None, description="the word it starts from; null is its class")


class TextInTheMiddle(Group):
    """Sketch to caption, by whom `caption` says, to image."""

    naming: Annotated[str, AfterValidator(template("caption"))] = "{caption}"


class Distill(Optimisation):
    """A student of the trained model that draws in few steps, as low-rank updates; see `s2i.training.distillation`."""

    steps: Annotated[int, Field(ge=0)] = Field(0, description="of its training; 0 makes none")
    rank: Count = 16
    loss: Literal["path", "consistency"] = Field(
        "path",
        description="path: where the teacher's path ends, drawn before; consistency: that neighbouring places agree",
    )
    solver_steps: Annotated[int, Field(ge=4, le=250)] = Field(20, description="of the teacher's path")
    batch_size: Count = 8
    learning_rate: Annotated[float, Field(gt=0)] = 1.0e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    warmup_steps: Annotated[int, Field(ge=0)] = 20
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.98


class Generate(Group):
    """How sketches are drawn; `s2i.diffusion.sampling.SamplingSettings` is made of it."""

    steps: Annotated[int, Field(ge=1, le=1000)] = 20
    guidance_scale: Annotated[float, Field(ge=1, le=50)] = 3.0
    conditioning_scale: Annotated[float, Field(ge=0, le=10)] = 1.0
    scheduler: Scheduler | None = Field(None, description="null is the one that the base came with")
    guidance_rescale: Share = Field(0.0, description="how far guided images are brought back to unguided contrast")
    guidance_interval: tuple[Share, Share] = Field((0.0, 1.0), description="shares of the steps that guidance acts in")
    control_interval: tuple[Share, Share] = Field((0.0, 1.0), description="shares of the steps that the sketch acts in")
    control_unconditional: bool = Field(
        True, description="false spares the ControlNet the half of guidance that has no words, and so heeds it more"
    )
    batch_size: Count = 16
    prompts: Literal["given", "empty"] = Field("given", description="empty draws the sketches without words")
    unprompted: Annotated[int, Field(ge=0)] = Field(
        4, description="every so manieth sketch is also drawn without its prompt, to see what prompts do; 0 is none"
    )

    @property
    def sampling(self) -> dict:
        """What decides an image; how many are drawn at once does not."""
        return self.model_dump(exclude={"batch_size", "prompts", "unprompted"})


class Evaluate(Group):
    """How generated images are scored."""

    batch_size: Count = 16
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    mosaic_rows: Count = 8


class Study(Group):
    """What a study compares its variants by."""

    database: str = Field("data/sketchy/database", description="folder of photos and sketches")
    items: Count = Field(100, description="held-out sketches that every variant draws, as many of each class")
    reference: Literal["sketch", "photo"] = Field("sketch", description="what drawn images are compared with")
    grids: list[Count] = Field([25, 50, 100], description="images in each mosaic of a variant")
    published: str | None = Field(None, description="a YAML file with figures of others, by variant")


class Params(Group):
    """The whole of params.yaml."""

    base: str
    controlnet: str
    method: Literal["base", "controlnet", "text_in_the_middle", "dreambooth", "textual_inversion"] = "controlnet"
    conditions: Annotated[list[Condition], Field(min_length=1)] = ["sketch"]
    adapter: Literal["none", "full", "attention", "lora", "modified", "two-step"] = "full"
    rank: Count
    resolution: Annotated[int, Field(ge=64, multiple_of=64)]
    seed: Seed = 0
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    workers: Workers = Workers()
    ingest: Ingest = Ingest()
    pair: Pair = Pair()
    caption: Caption = Caption()
    matte: Matte = Matte()
    survey: Survey = Survey()
    augment: Augment = Augment()
    encode: Encode = Encode()
    train: Train
    dreambooth: DreamBooth = DreamBooth()
    textual_inversion: TextualInversion = TextualInversion()
    text_in_the_middle: TextInTheMiddle = TextInTheMiddle()
    distill: Distill = Distill()
    generate: Generate = Generate()
    evaluate: Evaluate = Evaluate()
    study: Study = Study()
    variants: dict[str, dict | None] = Field({}, description="of a study: settings, by dotted key, by name")

    @property
    def training_seed(self) -> int:
        return self.seed if self.train.seed is None else self.train.seed

    @model_validator(mode="after")
    def _can_reach_a_plateau(self):
        if self.adapter == "two-step" and self.train.switch == "plateau" and self.train.patience is None:
            raise ValueError("train.switch is plateau, which train.patience must define; it is null")
        return self

    @field_validator("conditions")
    @classmethod
    def _differ(cls, conditions):
        if len(set(conditions)) < len(conditions):
            raise ValueError("each condition may stand there once")
        return conditions
