"""Prints the specification of the service: ``python -m tts.serving.http > docs/openapi.json``."""

import json

from tts.core.output import print_result
from tts.serving.http.app import create_api, specification

if __name__ == "__main__":
    print_result(json.dumps(specification(create_api(None)), indent=1) + "\n")
