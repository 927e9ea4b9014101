"""What a stage stands on: parameters, records, cache, whole files, workers, errors."""
