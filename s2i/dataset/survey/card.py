"""The data card: what a survey found, as Markdown."""

SAMPLE = 12  # rendered photos that the styles which pair.styles lacks are scored on
HOLES_LISTED = 30
SKETCHES = f"""
F1 of the strokes against the true drawings of rendered photos, of the styles in `pair.styles` over all of them, of
others over {SAMPLE} at most:

| style | edge F1 |
|---|---|
{{rows}}
"""
UNKNOWN = """
What nobody looked at is no hole; a column of photos.csv, or `attributes` in `caption.by`, would tell:

| not known | photos |
|---|---|
{rows}
"""


def card(figures: dict, unlicensed_sources: list[str], refused: list[dict]) -> str:
    holes = figures["coverage"]["holes"]
    f1s = figures.get("sketch_f1", {})
    unknown = {name: count for name, count in figures["coverage"]["unknown"].items() if count}
    listed = "\n".join(f"- {hole}" for hole in holes[:HOLES_LISTED]) or "none"
    more = f"\n\nand {len(holes) - HOLES_LISTED} more in `metrics/data.json`." if len(holes) > HOLES_LISTED else ""
    unlicensed = "\n".join(f"- {source}" for source in unlicensed_sources) or "none"
    unused = "\n".join(f"- {row['file']}: {row['reason']}" for row in refused) or "none"
    return f"""# The photos of this run

{figures["photos"]} photos are used, {figures["quarantined"]} files or answers of `caption.vlm` are not.

| split | photos |
|---|---|
{_rows(figures["splits"])}

| licence | photos |
|---|---|
{_rows(figures["licences"])}

| caption from | photos |
|---|---|
{_rows(figures["captions"])}

## Coverage

Of the pairs of values that `survey.wanted` in params.yaml asks for, {figures["coverage"]["pairs"]:.0%} are shown.
{UNKNOWN.format(rows=_rows(unknown)) if unknown else ""}
![photos that show two values at once](coverage.png)

What no photo is known to show, most wanted first:

{listed}{more}

## Sketches
{SKETCHES.format(rows=_rows({style: f"{f1['mean']:.2f}" for style, f1 in f1s.items()})) if f1s else ""}
![photos and their sketches](sketches.png)

## Photos without licence, or without author and source

{unlicensed}

## Not used

{unused}
"""


def _rows(counts: dict) -> str:
    return "\n".join(f"| {name} | {count} |" for name, count in sorted(counts.items()))
