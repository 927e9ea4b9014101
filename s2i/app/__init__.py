"""The page in the browser that makes photos from sketches: ``s2i app``.

`server` serves it, `page` lays out its `components` and connects them with its `handlers`, `api` is there for other
programs, `uploads` limits what they send.  The `worker` holds the model; `messages` is what it and the page tell each
other.  ``canvas.js`` takes the strokes, `suggestions` are words and sketches to try, a `space` is the page packed.
"""
