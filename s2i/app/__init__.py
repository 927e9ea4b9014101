"""The page that draws photos from sketches: ``s2i app``.

`launching` serves it, `page` lays it out, `drawer` answers, ``canvas.js`` takes the strokes, `offers` suggests.
"""
