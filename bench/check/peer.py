"""CPU time that PyYAML and jsonschema need to read and validate one file."""

import json
import statistics
import sys
import time

import yaml
from jsonschema import Draft202012Validator

ROUNDS = 20

spec, schema = sys.argv[1], sys.argv[2]
with open(schema, encoding="utf-8") as file:
    validator = Draft202012Validator(json.load(file))
with open(spec, encoding="utf-8") as file:
    text = file.read()

times = []
for _ in range(ROUNDS):
    before = time.process_time()
    document = yaml.safe_load(text)
    errors = list(validator.iter_errors(document))
    times.append((time.process_time() - before) * 1e3)
print(f"read and validate: PyYAML {yaml.__version__} and jsonschema, {len(errors)} errors")
print(f"median_ms {statistics.median(times):.3f}")
