"""The parameters of the data stages, from photos to training examples."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from s2i.core.parameters.fields import (
    HELD_OUT_STYLES,
    Abstraction,
    Batch,
    Count,
    Group,
    HeldOutStyle,
    Share,
    Style,
    each_once,
)


class Workers(Group):
    """How work over records is spread over processes or machines."""

    engine: Literal["loky", "ray"] = Field(
        "loky", description="loky uses the cores of this machine, ray those of a Ray cluster."
    )
    count: Annotated[int, Field(ge=-1, le=1024)] = Field(
        -1, description="This many processes are started; -1 starts one for each core."
    )


class Ingest(Group):
    """Which photos are read and how they are split."""

    source: Literal["folder", "paired", "sketchy", "imagefolder", "parquet", "kohya", "simpletuner", "webdataset"] = (
        Field(
            "folder",
            description="This is how the photos are laid out: in a folder with photos.csv, as a set of photos and "
            "sketches in pairs, as the Sketchy database, as an imagefolder or parquet files of Hugging Face datasets, "
            "as kohya or SimpleTuner train on them, or as tar shards of webdataset.",
        )
    )
    url: str | None = Field(
        None,
        description="The photos are read from here instead of data/photos: a folder, a file, a pattern with * or "
        "{000..012}, or any of these at s3://, gs://, hf:// or https://.",
    )
    columns: dict[str, str] = Field(
        {},
        description="Columns that a data set calls otherwise than photos.csv does: {caption: blip_caption}; file is "
        "the photo.",
    )
    classes: Annotated[list[str], Field(min_length=1), AfterValidator(each_once)] | None = Field(
        None, description="Only these classes of a Sketchy database are read; null reads all of them."
    )
    require_licence: bool = Field(
        False, description="Photos without a licence, or without an author or a source_url, are refused."
    )
    near_duplicate: Annotated[int, Field(ge=0, le=15)] = Field(
        4, description="Two photos show one motif if their perceptual hashes differ in at most this many of 64 bits."
    )
    val: Share = Field(
        0.1, description="This share of the photos, three at least, is kept to validate the training with."
    )
    test: Share = Field(0.3, description="This share of the photos is kept to score the trained model with.")
    folds: Annotated[int, Field(ge=2)] | None = Field(
        None,
        description="The photos are dealt into this many parts, one of which is kept to score with in the place of "
        "`test`; null deals none.",
    )
    fold: Annotated[int, Field(ge=0)] = Field(0, description="This one of the `folds`, from 0 on, is kept.")
    hold_out: bool = Field(
        True, description="false trains with all photos, when folds have said how good that will be; none is scored."
    )
    max_megapixels: Annotated[float, Field(gt=0, le=178)] = Field(
        100, description="Larger photos are refused; reading one takes 16 bytes of memory a pixel in each process."
    )

    @model_validator(mode="after")
    def _have_columns(self) -> Self:
        if self.columns and self.source in ("folder", "paired", "sketchy"):
            raise ValueError(f"columns names those of other layouts; source {self.source} has its own")
        return self

    @model_validator(mode="after")
    def _leave_some_to_train(self) -> Self:
        if self.val + self.test >= 1:
            raise ValueError("val and test together leave nothing to train on")
        if self.fold >= (self.folds or 1):
            folds = f"of {self.folds} folds the last is {self.folds - 1}" if self.folds else "folds is null"
            raise ValueError(f"fold is {self.fold}, and {folds}")
        return self


def _trainable(style: object) -> object:
    if style in HELD_OUT_STYLES:
        raise ValueError("it is never trained on, to measure what is new to a model: name it in pair.test_styles")
    return style


class Pair(Group):
    """Which sketches are drawn of every photo."""

    styles: Annotated[list[Annotated[Style, BeforeValidator(_trainable)]], Field(min_length=1)] = Field(
        ["given", "pencil", "xdog"],
        description="A sketch is drawn of every photo in each of these styles; given keeps those that came with it.",
    )
    test_styles: list[HeldOutStyle] = Field(
        [], description="Styles that are never trained on: sketches in them are drawn of the test photos alone."
    )
    abstraction: Abstraction = Field(
        "mixed",
        description="How much of a photo a sketch shows: fine is every brick, gist the masses, mixed varies by photo.",
    )


def _questions(asked: object) -> list[int | str]:
    """One question or several, each a number from 1 or a text."""
    listed = asked if isinstance(asked, list | tuple) else [asked]
    for question in listed:
        if not (isinstance(question, int) and question >= 1) and not (isinstance(question, str) and question.strip()):
            raise ValueError("each question must be a number from 1, or a text")
    return list(listed)


def _address(server: str | None) -> str | None:
    if server is not None and not server.startswith(("http://", "https://")):
        raise ValueError("an address must begin with http:// or https://")
    return server


class Vlm(Group):
    """The vision language model that `caption.by: [vlm]` asks."""

    model: str = Field(
        "Salesforce/blip2-opt-2.7b",
        description="The model is a folder or a hub id, or its name on the server; any image-text-to-text model of "
        "transformers that brings a chat template, Florence-2, BLIP-2 or LLaVA.",
    )
    server: Annotated[str | None, AfterValidator(_address)] = Field(
        None,
        description="An OpenAI-compatible server (vLLM, Ollama) at this address, such as http://localhost:8000/v1, has "
        "the model; its key, if it wants one, is in OPENAI_API_KEY. With null the model runs on this machine.",
    )
    question: Annotated[tuple[int | str, ...], Field(min_length=1), BeforeValidator(_questions)] = Field(
        (1,),
        description="These questions are asked: by number those of s2i/dataset/captioning/questions.yaml, counted from "
        "1, else in these words, such as <DETAILED_CAPTION>, a task of Florence-2; all answers are kept, and the "
        "answer to the first one is the caption.",
    )
    of: Literal["photo", "sketch"] = Field("photo", description="The model looks at the photo or at its sketch.")
    max_new_tokens: Annotated[int, Field(ge=1, le=4096)] = Field(
        40, description="An answer is cut after this many tokens."
    )
    batch_size: Batch = Field(8, description="This many images are asked about at a time.")
    timeout: Annotated[float, Field(gt=0, le=86_400)] = Field(
        120, description="A server is given up on, or asked again, after this many seconds of silence."
    )
    retries: Annotated[int, Field(ge=0, le=100)] = Field(
        5, description="A server that is busy or silent is asked again this many times, at growing distances."
    )


class Caption(Group):
    """How a photo is described."""

    by: Annotated[
        list[Literal["columns", "attributes", "vlm", "none"]],
        BeforeValidator(lambda by: [by] if isinstance(by, str) else by),
    ] = Field(
        ["columns", "attributes"],
        description="Each of these in turn describes the photos that those before it could not: columns of photos.csv, "
        "attributes that are read off the photo, or the answer of a vision language model; none leaves the rest "
        "without a caption.",
    )
    attributes: str = Field(
        "data/base/attributes.safetensors", description="This file has the probes that read attributes off photos."
    )
    vlm: Vlm = Vlm()
    fixed: str | None = Field(None, description="All photos have this caption; null describes each.")

    @field_validator("by")
    @classmethod
    def _end_with_none(cls, by: list[str]) -> list[str]:
        if "none" in by[:-1]:
            raise ValueError("nobody is asked after none; let it stand last")
        return by


class Matte(Group):
    """How the background is found, and whether it is kept in the images."""

    model: str = Field("u2netp", description="This model of rembg finds the building.")
    background: Literal["keep", "white", "transparent"] = Field(
        "keep", description="The background of photos and sketches is kept, painted white or made transparent."
    )


class Survey(Group):
    """What a good collection of photos would show: every value of an attribute as often as its others."""

    wanted: Annotated[
        dict[
            Literal["style", "view", "material", "roof", "curved", "glass"],
            Annotated[list[str | bool], Field(min_length=1)],
        ],
        Field(min_length=1),
    ] = Field(
        {
            "style": ["modern", "neoclassical", "gothic", "american", "rural"],
            "view": ["left", "centre", "right"],
            "material": ["concrete", "steel", "brick", "stone", "glass", "wood"],
            "roof": ["flat", "pitched"],
            "curved": [True, False],
            "glass": [True, False],
        },
        description="The survey looks for photos with each of these values, by attribute, in equal shares.",
    )
    quality: bool = Field(
        False, description="CleanVision looks for photos that are dark, light, blurred or empty, or of odd sizes."
    )


class Augment(Group):
    """How many training examples are made of one photo, and how much they vary."""

    variants: Annotated[int, Field(ge=1, le=1000)] = Field(
        12, description="This many training examples are made of each photo."
    )
    crops: Count = Field(
        1, description="The examples of a photo show so many parts of it in turn, the first of which is the whole."
    )
    zoom: Annotated[float, Field(gt=0, le=1)] = Field(
        0.75, description="The smallest part shows this share of the width and height of its photo."
    )
    flip: Share = Field(0.5, description="This share of the examples is mirrored.")
    drop_part: Share = Field(0.15, description="Each part of a prompt is left out with this probability.")
    synonym: Share = Field(0.2, description="Each part of a prompt is said with another word with this probability.")
    paper: Share = Field(0.5, description="This share of the sketches looks as if drawn on paper and photographed.")


class Encode(Group):
    """How latents and text embeddings are computed and stored."""

    batch_size: Batch = Field(16, description="This many examples are encoded at a time.")
    shard_size: Count = Field(256, description="A file of latents holds up to about this many examples.")
