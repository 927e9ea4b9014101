# Everything runs in a virtual environment that the first target makes:  make repro,  make test
PYTHON ?= python3
VENV ?= .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export DVC_NO_ANALYTICS := 1

.PHONY: ready repro test test-slow trials fuzz lint base ablation steps clean

ready: $(VENV)/.ready

repro: $(VENV)/.ready
	dvc repro

test: $(VENV)/.ready
	python -m pytest

test-slow: $(VENV)/.ready
	python -m pytest -m slow

trials: $(VENV)/.ready  # bad inputs, damage and accidents one by one, and counts of what comes of them: minutes
	python tests/trials.py

fuzz: $(VENV)/.ready  # anything at all in the place of records, parameters, tables, prompts and images: an hour
	python tests/fuzzing.py 60

lint: $(VENV)/.ready  # style, types, and that each folder of s2i imports from those below it alone
	ruff check .
	ruff format --check .
	lint-imports --no-cache
	mypy

base: $(VENV)/.ready  # render the corpus and train the embedded base again: hours
	dvc repro pipelines/base/dvc.yaml
	rm -rf data/base data/photos
	cp -r models/base/whole data/base
	cp -r models/base/photos data/photos

ablation: $(VENV)/.ready  # compare the choices of a training, see docs/ablation.md: at most eight hours
	python studies/ablation/run.py

steps: $(VENV)/.ready  # how much guidance an image needs, and how many steps: metrics/steps.json and steps.png; many minutes
	python studies/steps/run.py

$(VENV)/.ready: pyproject.toml s2i/networks/weights.py s2i/networks/lpips.py
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --editable ".[dev,corpus]"
	$(VENV)/bin/python -m s2i.networks.prefetch
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache *.egg-info data/ingested data/paired data/captioned data/matted \
		data/augmented data/encoded data/generated models/trained models/student
