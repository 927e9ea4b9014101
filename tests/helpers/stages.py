"""The stages of the data, with the arguments that they take in one folder: inputs, then outputs."""

DATA_STAGES = (
    ("ingest", "photos", "ingested", "ingest.json"),
    ("pair", "ingested", "paired"),
    ("matte", "paired", "matted"),
    ("caption", "matted", "captioned"),
    ("augment", "captioned", "augmented"),
    ("survey", "captioned", "ingested", "surveyed", "data.json"),
)
