"""The documentation: what of it is made from the code, and the site that is made of it.

Start with ``__main__``. Pages are plain Markdown in docs/, to be read as they are; what must agree with the
code is written into them between two markers, and a test tells when it does not any more::

    parts       which parts there are, in which page, between which markers
    tables      settings, errors, events, metrics, alerts
    faces       what can be asked: of the console, on the command line, over HTTP
    markup      Markdown, as far as these need it
    sequence    a switchover as a table: step by step, who says what to whom
    pictures    that table as a picture, and a few commands on their way; drawing says how
    photograph  docs/page.png, of the page to watch
    hooks       what MkDocs does to the pages beside making HTML of them
"""
