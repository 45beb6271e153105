"""The HTTP application: STOW-RS, metrics and health."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from deploy.node.access import Accepted, Rejection, Rejections, WebAccess
from deploy.node.config import NodeConfig, WebConfig
from deploy.node.events import log
from deploy.node.header import is_uid
from deploy.node.web.body import CLOSE, Body
from deploy.node.web.multipart import MultipartError
from deploy.node.web.result import StoreResult
from deploy.node.web.store import MEDIA_TYPE, StoreRequest, Surroundings, content_type

ANSWER_TYPE = "application/dicom+json"

_PIECE_BYTES = 1 << 20
"""How much of a body is gathered before it is worked on: all that a request ever holds in memory, but for results."""

_RETRY_SECONDS = "60"

T = TypeVar("T")


@dataclass(frozen=True)
class Node:
    """What the application asks the node. ``problems`` tells why it is not ready, by part; none if it is."""

    config: NodeConfig
    web: WebConfig
    surroundings: Surroundings
    rejections: Rejections
    metrics: CollectorRegistry
    problems: Callable[[], Mapping[str, str]]


def web_app(node: Node) -> FastAPI:
    """Return the application. It describes itself to nobody: no OpenAPI, no documentation pages."""
    app = FastAPI(openapi_url=None)
    access = WebAccess(node.config)

    @app.post("/studies")
    async def store(request: Request) -> Response:
        return await _store(request, None, node, access)

    @app.post("/studies/{study_instance_uid}")
    async def store_to_study(request: Request, study_instance_uid: str) -> Response:
        return await _store(request, study_instance_uid, node, access)

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        _check_monitor(request, node, access)
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(await _in_thread(lambda: encode(node.metrics)), headers={"content-type": media_type})

    @app.get("/health/live")
    async def live(request: Request) -> Response:
        _check_monitor(request, node, access)
        return JSONResponse({"live": True})

    @app.get("/health")
    @app.get("/health/ready")
    async def ready(request: Request) -> Response:
        _check_monitor(request, node, access)
        problems = dict(await _in_thread(node.problems))
        return JSONResponse({"ready": not problems, "problems": problems}, 503 if problems else 200)

    return app


def _check_monitor(request: Request, node: Node, access: WebAccess) -> None:
    address = _address(request)
    if not access.may_monitor(address):
        text = f"{address} is in none of web.monitoring_networks"
        node.rejections.add(Rejection("monitoring", text, address))
        raise HTTPException(403, "not allowed from there")


async def _store(request: Request, study: str | None, node: Node, access: WebAccess) -> Response:
    body = Body(request, node.config.receive, node.web.maximum_request_bytes)
    try:
        caller = _judge(request, node, access)
        boundary = _check(request, study, node, body)
        return await _take(request, caller, boundary, study, node, body)
    except HTTPException:
        await body.pass_over()
        raise


async def _take(
    request: Request, caller: Accepted, boundary: str, study: str | None, node: Node, body: Body
) -> Response:
    """Take the body as it comes. What of it was kept before something went wrong stays: it is whole."""
    requests = node.surroundings.requests
    opened = requests.begin(_title(node.config, caller.peer), _address(request))
    try:
        store = StoreRequest(boundary, opened, study, node.surroundings)
        try:
            result = await _feed(store, body)
        finally:
            await _in_thread(store.close)
        opened.ending, opened.sent_all = "ended its request", True
        return JSONResponse(result.json(), result.status(), media_type=ANSWER_TYPE)
    except MultipartError as error:
        opened.ending = f"sent a request that is broken: {error}"
        log("request-broken", f"{opened.calling_ae_title} at {opened.address} {opened.ending}")
        raise HTTPException(400, str(error), CLOSE) from error
    finally:
        await _in_thread(lambda: requests.end(opened))


async def _feed(store: StoreRequest, body: Body) -> StoreResult:
    gathered = bytearray()
    async for piece in body.pieces():
        gathered += piece
        if len(gathered) >= _PIECE_BYTES:
            taken, gathered = bytes(gathered), bytearray()
            await _in_thread(partial(store.feed, taken))
    await _in_thread(partial(store.feed, bytes(gathered)))
    result = store.finish()
    if not result.count:
        raise MultipartError("the body has no parts")
    return result


def _judge(request: Request, node: Node, access: WebAccess) -> Accepted:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    address = _address(request)
    names: tuple[str, ...] | None = request.scope["state"].get("certificate_names")
    judgement = access.judge(token.strip() if scheme.lower() == "bearer" else None, address, names)
    if isinstance(judgement, Accepted):
        return judgement
    title = _title(node.config, judgement.peer) if judgement.peer else ""
    node.rejections.add(Rejection(f"web-{judgement.reason}", judgement.text, address, title, "", names))
    headers = dict(CLOSE)
    if judgement.status == 401:
        headers["www-authenticate"] = 'Bearer realm="gantry"'
    raise HTTPException(judgement.status, "not allowed", headers)


def _check(request: Request, study: str | None, node: Node, body: Body) -> str:
    """Return the boundary of a request that can be taken. Raises :class:`HTTPException`."""
    if study is not None and not is_uid(study):
        raise HTTPException(400, "the study in the path is no UID", CLOSE)
    field = content_type(request.headers.get("content-type", ""))
    kind = field.get_param("type", MEDIA_TYPE)
    if field.get_content_type() != "multipart/related" or str(kind).lower() != MEDIA_TYPE:
        raise HTTPException(415, f'only multipart/related; type="{MEDIA_TYPE}" is taken', CLOSE)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "a body is taken as it is only, without a Content-Encoding", CLOSE)
    accepted = request.headers.get("accept", "*/*")
    if not any(kind in accepted for kind in (ANSWER_TYPE, "application/*", "*/*", "application/json")):
        raise HTTPException(406, f"answers are given as {ANSWER_TYPE}", CLOSE)
    if int(request.headers.get("content-length", 0)) > node.web.maximum_request_bytes:
        raise body.too_large()
    if not node.surroundings.space.has_room_for_association():
        raise HTTPException(507, "there is no room on the disk", {**CLOSE, "retry-after": _RETRY_SECONDS})
    return str(field.get_boundary(""))


def _title(config: NodeConfig, peer: str) -> str:
    """What stands where senders have an AE title: that of the peer, or its name where it has any title."""
    title = config.peers[peer].ae_title
    return peer[:16] if title == "*" else title


def _address(request: Request) -> str:
    assert request.client is not None
    return request.client.host


async def _in_thread(work: Callable[[], T]) -> T:
    """Do in a thread what may wait for the disk; it is waited for even if the request is given up meanwhile."""
    running: Awaitable[T] = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        # Its file must not be closed while it writes.
        await asyncio.gather(running, return_exceptions=True)
        raise
