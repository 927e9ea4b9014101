"""s2i: from a folder of photos to a model that draws photos from sketches, with numbers that say how good it is.

Each folder imports from those above it alone; docs/architecture.md says more.

    core/        what a stage stands on: parameters, records, cache, whole files, workers, errors
    vocabulary/  the words for what a photo shows, and the prompts made of them
    imaging/     images as arrays: reading, edges, colours, textures, control images, mosaics, plots
    networks/    trained networks of others, and how their weights are fetched and checked
    metrics/     pure functions of images and features, each named after what computes it
    dataset/     photos to training examples: ingest, sketching, matting, captioning, survey, augmentation
    diffusion/   the model: loading, adapters, schedulers, encoding, sampling
    training/    the loop, its losses, the methods, distillation
    generation/  the trained model at work: held-out sketches, your sketches, OpenVINO
    evaluation/  scores, figures, students beside teachers, the report on a pull request
    studies/     several methods or settings side by side
    embedded/    how data/photos and data/base were made; nobody needs it to use s2i
    app/         the page in the browser
    cli/         the command s2i
"""

__version__ = "0.1.0"
