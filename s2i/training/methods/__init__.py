"""What ``method:`` selects: a module each, of the form of `method.Method`."""

METHODS = {
    "base": "s2i.training.methods.base",
    "controlnet": "s2i.training.methods.controlnet",
    "text_in_the_middle": "s2i.training.methods.text_in_the_middle",
    "dreambooth": "s2i.training.methods.dreambooth",
    "textual_inversion": "s2i.training.methods.textual_inversion",
}
