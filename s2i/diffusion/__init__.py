"""The model: loading, adapters, schedulers, encoding, sampling."""
