"""Reads lines of `file, path, service, operation, member, others` from the named file, and validates each file as botocore would before a call.

Where a member is named, the file's text is its value, and `others` are the members beside it.
"""

import json
import sys

import botocore.session
from botocore.validate import ParamValidator

session = botocore.session.get_session()
models = {}
wrong = 0
for line in open(sys.argv[1], encoding="utf-8"):
    place, path, service, operation, member, others = json.loads(line)
    with open(place, encoding="utf-8") as file:
        text = file.read()
    document = json.loads(text)
    params = {**others, member: text} if member else document
    model = models.setdefault(service, session.get_service_model(service))
    report = ParamValidator().validate(params, model.operation_model(operation).input_shape)
    if report.has_errors():
        wrong += 1
        print(f"{path}: {service} {operation}: {report.generate_report()}")
sys.exit(1 if wrong else 0)
