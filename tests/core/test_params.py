import pytest

from s2i.core import params_file
from s2i.core.errors import UserError
from s2i.core.params import Group, Params

SMALLEST = """\
base: data/base
controlnet: data/base/controlnet
rank: 4
resolution: 128
train: {steps: 1, batch_size: 1, learning_rate: 1.0e-4}
"""


@pytest.fixture
def load(tmp_path):
    """load(lines) reads the smallest params.yaml with some lines more, in the place of those of the same first key."""

    def load(lines=""):
        kept = [line for line in SMALLEST.splitlines(True) if line.split(":")[0] != lines.split(":")[0]]
        (tmp_path / "params.yaml").write_text("".join(kept) + lines)
        return params_file.load(tmp_path / "params.yaml")

    return load


def test_what_is_not_written_has_its_default(load):
    assert load().pair.styles == ["given", "pencil", "xdog"] and load("seed: 3\n").seed == 3


def test_an_unknown_key_is_refused_and_the_nearest_suggested(load):
    with pytest.raises(UserError, match=r"params.yaml: unknown key 'ingest.tests', did you mean 'ingest.test'?"):
        load("ingest: {tests: 0.1}\n")
    with pytest.raises(UserError, match=r"unknown key 'resolutoin', did you mean 'resolution'?"):
        load("resolutoin: 256\n")


def test_an_unknown_key_unlike_any_other_is_to_be_removed(load):
    with pytest.raises(UserError, match="unknown key 'zzzzzz'; remove it"):
        load("zzzzzz: 1\n")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("rank: 0\n", "rank is 0, but input should be greater than or equal to 1"),
        ("resolution: 100\n", "resolution is 100, but input should be a multiple of 64"),
        ("pair: {styles: [crayon]}\n", "pair.styles.0 is 'crayon', but input should be 'given'"),
        ("pair: {styles: [charcoal]}\n", "pair.styles.0 is 'charcoal', but it is never trained on"),
        ("pair: {test_styles: [ink]}\n", "pair.test_styles.0 is 'ink', but input should be 'charcoal' or 'stipple'"),
        ("pair: {abstraction: rough}\n", "pair.abstraction is 'rough', but input should be 'mixed', 'fine'"),
        ("ingest: {val: 0.5, test: 0.5}\n", "val and test together leave nothing to train on"),
        ("ingest: {folds: 3, fold: 3}\n", "fold is 3, and of 3 folds the last is 2"),
        ("ingest: {fold: 1}\n", "fold is 1, and folds is null"),
        ("caption: {by: [none, vlm]}\n", "nobody is asked after none; let it stand last"),
        ("generate: {guidance_scale: 1, negative_prompt: fog}\n", "negative_prompt is 'fog', but guidance_scale and"),
        ("generate: {control_guidance_scale: 0.5}\n", "control_guidance_scale is 0.5, but input should be greater"),
        ("augment: {flip: 2}\n", "augment.flip is 2, but input should be less than or equal to 1"),
        ("rank: true\n", "rank is True, but it may not be true or false"),
        ("resolution: 640000\n", "resolution is 640000, but input should be less than or equal to 4096"),
        ("augment: {variants: 1000000000}\n", "augment.variants is 1000000000, but input should be less than or equal"),
        ("ingest: {val: .inf}\n", "ingest.val is inf, but input should be"),
        ("ingest: {max_megapixels: .nan}\n", "ingest.max_megapixels is nan, but input should be a finite number"),
        ("ingest: {classes: []}\n", "ingest.classes is [], but list should have at least 1 item"),
        ("ingest: {classes: [cat, cat]}\n", "ingest.classes is ['cat', 'cat'], but each may stand there once"),
        ("workers: {count: 1000000}\n", "workers.count is 1000000, but input should be less than or equal to 1024"),
        ("generate: {guidance_interval: [0, true]}\n", "it may not be true or false"),
    ],
)
def test_a_value_out_of_its_range_is_one_clear_sentence(load, lines, sentence):
    with pytest.raises(UserError) as refusal:
        load(lines)
    assert sentence in str(refusal.value) and str(refusal.value).count("\n") == 0


def test_a_key_of_old_is_refused_with_its_new_name(load):
    sentence = "the key 'work.engine' is now 'workers.engine'; rename it."
    with pytest.raises(UserError, match=sentence):
        load("work: {engine: loky}\n")
    with pytest.raises(UserError, match=r"'work.workers' is now 'workers.count'; rename it.$") as refusal:
        load("work: {engine: loky, workers: 2}\n")
    assert sentence in str(refusal.value)


@pytest.mark.parametrize("value", ["true", "false"])
def test_a_key_that_is_gone_is_refused_with_what_takes_its_place(load, value):
    with pytest.raises(UserError) as refusal:
        load(f"generate: {{control_unconditional: {value}}}\n")
    assert str(refusal.value).endswith(
        "the key 'generate.control_unconditional' is gone; generate.control_guidance_scale takes its place: set that "
        "to 1 for true, and to the same as generate.guidance_scale for false."
    )


@pytest.mark.parametrize("line", ["caption: {empty: 0.1}\n", "augment: {empty_prompt: 0.1}\n"])
def test_one_knob_empties_prompts_and_the_others_are_refused(load, line):
    with pytest.raises(UserError, match=r"is gone; train.prompt_dropout alone says which share of the examples"):
        load(line)


def test_a_missing_key_is_named(tmp_path):
    (tmp_path / "params.yaml").write_text(SMALLEST.replace("rank: 4\n", ""))
    with pytest.raises(UserError, match="the key 'rank' is missing; add it"):
        params_file.load(tmp_path / "params.yaml")


def test_a_missing_or_broken_file_is_one_clear_sentence(tmp_path):
    with pytest.raises(UserError, match="is missing: run from the project's folder"):
        params_file.load(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("a: [1\n")
    with pytest.raises(UserError, match="is not YAML"):
        params_file.load(tmp_path / "params.yaml")


def test_every_parameter_is_described_in_a_sentence():
    groups = [Params]
    for group in groups:
        assert group.__doc__.rstrip().endswith(".")
        for name, field in group.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Group):
                groups.append(field.annotation)
            else:
                assert field.description and field.description.endswith("."), f"{group.__name__}.{name}"
                assert len(field.description.split()) > 2, f"{group.__name__}.{name}"


@pytest.mark.parametrize("naming", ["a photo", "a photo of {thing}", "a {token"])
def test_a_naming_that_names_nothing_is_refused(params, naming):
    with pytest.raises(ValueError, match=r"it must name \{token\} or \{label\}"):
        params(method="dreambooth", dreambooth={"naming": naming})


@pytest.mark.parametrize(
    ("variants", "sentence"),
    [
        ("[small]", "variants is a list; write each variant's name with its settings"),
        ("small", "variants is a text"),
        ("{small: [rank]}", "variants.small is a list; write settings as key: value"),
        ("{small: {base.x: 1}}", "the key 'base.x' cannot be set: 'base' is a text and has no keys"),
        ("{large: {rank: 8}}", "variants has no 'small'; it has large"),
    ],
)
def test_variants_of_a_wrong_shape_are_one_clear_sentence(tmp_path, variants, sentence):
    (tmp_path / "params.yaml").write_text(f"{SMALLEST}variants: {variants}\n")
    with pytest.raises(UserError, match=sentence):
        params_file.load(tmp_path / "params.yaml", variant="small")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (SMALLEST.encode() + b"rank: 8\n", "line 6 has the key 'rank' again: keep one of the two"),
        (SMALLEST.encode() + "# für alle\n".encode("latin-1"), "line 6 is not UTF-8"),
        (b"- 1\n", "holds a list and no keys"),
        (b"rank: " + b"9" * 5000, "is not YAML: Exceeds the limit"),
    ],
)
def test_a_file_that_is_no_tree_of_parameters_is_one_clear_sentence(tmp_path, content, sentence):
    (tmp_path / "params.yaml").write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        params_file.load(tmp_path / "params.yaml")


def test_a_long_value_is_shown_in_part(load):
    with pytest.raises(UserError) as refusal:
        load(f"rank: [{'1, ' * 5000}]\n")
    assert len(str(refusal.value)) < 300
