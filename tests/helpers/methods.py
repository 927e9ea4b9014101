"""What a method's model draws."""

from s2i.generation import held_out
from s2i.imaging import io


def generated(rows, target, params, name="finetuned"):
    folder = target.with_name(f"{target.name}-drawn")
    folder.mkdir(exist_ok=True)
    return [io.read(row[name]) for row in held_out.generate(rows, target, folder, params)]
