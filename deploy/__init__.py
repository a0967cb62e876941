"""How a colorizer reaches people: smaller files, a function in the cloud, a studio, a web page.

`int8` makes files smaller and faster, `serverless` packs one into a function, `studio` is an
application with accounts and history, `browser` a page that computes on its visitor's machine.
"""
