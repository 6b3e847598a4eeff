"""The specification is true OpenAPI 3.1, and the copy in docs/ is what the application says."""

import json

from tests.support.paths import REPO
from tts.serving.http.app import create_api, specification


def test_the_copy_in_the_documentation_is_up_to_date():
    copy = json.loads((REPO / "docs" / "openapi.json").read_text())
    # python -m tts.serving.http > docs/openapi.json
    assert copy == json.loads(json.dumps(specification(create_api(None))))


def test_every_route_says_what_its_errors_look_like():
    content = specification(create_api(None))
    assert content["openapi"].startswith("3.1")
    assert "HTTPValidationError" not in json.dumps(content)
    silent = [
        f"{method} {path}"
        for path, methods in content["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/v1/") and not {"401", "403"} <= set(operation["responses"])
    ]
    assert silent == []
