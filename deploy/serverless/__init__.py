"""A colorizer as a function in the cloud: a picture comes in by HTTP or S3 and goes out in color.

`handler` answers HTTP, `storage` is for pictures too large for that, `loopback` runs both here as
AWS Lambda does. `python -m deploy.serverless` builds the package.
"""
