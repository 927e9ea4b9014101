"""Where photos come from: what `ingest.source` selects."""
