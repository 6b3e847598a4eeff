"""Decides who may ask for what: bearer keys and their scopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from tts.serving.allowance import Caller
from tts.serving.errors import ServiceError
from tts.serving.service import Service

#: Characters of the longest key that is looked at; real ones are much shorter.
LONGEST_KEY = 200
_BEARER = HTTPBearer(auto_error=False, description="A key that `new_key=NAME` has made.")


#: Returns the caller whose key this is, or None if no valid key is like it.
KeyLookup = Callable[[str], Caller | None]


def unauthorised(message: str) -> ServiceError:
    """Return the error of a request without a valid key."""
    headers = {"WWW-Authenticate": 'Bearer realm="tacoglow"'}
    return ServiceError("invalid_api_key", 401, message, headers=headers)


def service_of(request: Request) -> Service:
    """Return the service that this application answers for."""
    service: Service = request.app.state.service
    return service


#: A parameter of a route: the service.
TheService = Annotated[Service, Depends(service_of)]


def needs(*scopes: str) -> Callable[..., object]:
    """Return a dependency that returns the caller, who must have one of these scopes."""

    async def allowed(
        request: Request,
        given: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    ) -> Caller:
        service = service_of(request)
        caller = await _identified(request, given, service.settings.keys_required, service.find_key)
        request.scope["key_id"] = caller.key_id
        if caller.scopes.isdisjoint(scopes):
            has = ", ".join(sorted(caller.scopes)) or "nothing"
            message = f"this needs a key with the scope {' or '.join(scopes)}; yours has {has}"
            raise ServiceError("missing_scope", 403, message)
        return caller

    return allowed


async def _identified(
    request: Request,
    given: HTTPAuthorizationCredentials | None,
    required: bool,
    find_key: KeyLookup,
) -> Caller:
    if not required:
        # clients of OpenAI always send some key; here it means nothing
        address = request.client.host if request.client else "local"
        return Caller("local", f"address:{address}")
    if given is None:
        raise unauthorised("this service needs a key: Authorization: Bearer KEY")
    token = given.credentials
    caller = None
    if len(token) <= LONGEST_KEY and token.isascii():
        caller = await run_in_threadpool(find_key, token)
    if caller is None:
        raise unauthorised("this key is unknown or was revoked")
    return caller


#: Parameters of routes: a caller who may make sound, read what was made, do either, administer.
MaySpeak = Annotated[Caller, Depends(needs("speak"))]
MayRead = Annotated[Caller, Depends(needs("read"))]
MayUse = Annotated[Caller, Depends(needs("speak", "read"))]
MayAdminister = Annotated[Caller, Depends(needs("admin"))]
