"""Requests made from the specification get answers of the specification, and never a 5xx."""

import pytest

from tests.support.serving import client_of


@pytest.mark.slow
def test_answers_are_those_of_the_specification(make_service):
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    from tts.serving.http.app import create_api, create_app, specification

    service = make_service("limits.chars_per_minute=100000000", "limits.chars_per_day=1000000000")
    content = specification(create_api(None))
    for path in ("/v1/jobs/{job_id}/events",):
        del content["paths"][path]  # a stream, which the specification cannot describe
    schema = schemathesis.openapi.from_dict(content)
    schema.app = create_app(service)
    checks = (
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    )
    with client_of(service) as client:
        for operation in schema.get_all_operations():
            api = operation.ok()

            @given(case=api.as_strategy())
            @settings(
                max_examples=25,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            def check(case):
                answer = case.call(session=client, base_url="http://127.0.0.1")
                case.validate_response(answer, checks=checks)

            check()
