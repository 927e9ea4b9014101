"""Which engines there are, and whether one can be used here."""

from importlib.util import find_spec

from s2i.core.errors import UserError

INT8 = "openvino-int8"
ENGINES = ("torch", "openvino", INT8)


def check(engine: str, device: str, compile: bool) -> None:
    """Raise UserError unless there is such an engine, and it can compute on a device, compiled by torch or not."""
    if engine not in ENGINES:
        raise UserError(f"--engine is '{engine}', which does not exist; take {', '.join(ENGINES)}.")
    if engine == "torch":
        return
    if device not in ("auto", "cpu"):
        raise UserError(f"params.yaml: device is '{device}', and --engine {engine} computes on the CPU; use 'cpu'.")
    if compile:
        raise UserError(f"--compile is torch's, and --engine {engine} computes without torch: leave out one of them.")
    if engine == INT8 and not find_spec("nncf"):
        raise UserError(f"nncf is not installed: `pip install -e '.[int8]'` installs what --engine {INT8} needs.")
