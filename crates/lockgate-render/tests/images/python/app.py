import os

from flask import Flask

app = Flask(__name__)


@app.get("/")
@app.get("/health")
def about():
    return {"greeting": "first", "user": os.getuid(), "version": os.environ["APP_VERSION"]}
