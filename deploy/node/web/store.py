"""One request for storing (STOW-RS, PS3.18 10.5): every part goes into the spool, each with its own result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message

from deploy.node.config import ReceiveConfig
from deploy.node.disk import Space
from deploy.node.events import log
from deploy.node.receive.negotiation import Context
from deploy.node.receive.reports import OpenAssociation, RefusedInstance, Trouble
from deploy.node.receive.statuses import CANNOT_UNDERSTAND
from deploy.node.receive.storing import RefusedError, StoreTransfer
from deploy.node.spool import Spool
from deploy.node.web.multipart import MultipartError, MultipartParser
from deploy.node.web.part import FileIdentity, InstancePart
from deploy.node.web.requests import OpenRequests
from deploy.node.web.result import Named, StoreResult

MEDIA_TYPE = "application/dicom"

MAXIMUM_PARTS = 100_000
"""How many instances one request may have: their results are kept until the answer."""


@dataclass(frozen=True)
class Surroundings:
    """What all requests share."""

    config: ReceiveConfig
    spool: Spool
    requests: OpenRequests
    space: Space


class StoreRequest:
    """Takes the body of a request as it comes; usable from one thread at a time, whichever it is."""

    def __init__(
        self, boundary: str, request: OpenAssociation, study_instance_uid: str | None, around: Surroundings
    ) -> None:
        """Raises :class:`MultipartError` where ``boundary`` cannot be one."""
        self.result = StoreResult()
        self._request = request
        self._study = study_instance_uid
        self._around = around
        # None between parts, and once a part has failed.
        self._part: InstancePart | None = None
        self._parser = MultipartParser(boundary, self)

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body. Raises :class:`MultipartError`."""
        self._parser.feed(data)

    def finish(self) -> StoreResult:
        """Return what became of each instance. Raises :class:`MultipartError`."""
        self._parser.finish()
        return self.result

    def close(self) -> None:
        """Leave nothing behind of a part that has not come completely."""
        if self._part is not None:
            self._part.discard()
            self._part = None

    def part_begun(self, fields: Mapping[str, str]) -> None:
        """Begin an instance."""
        if self.result.count >= MAXIMUM_PARTS:
            raise MultipartError(f"there are more than {MAXIMUM_PARTS} parts")
        if content_type(fields.get("content-type", MEDIA_TYPE)).get_content_type() != MEDIA_TYPE:
            self._refuse(Named(), RefusedError(CANNOT_UNDERSTAND, f"the part is not {MEDIA_TYPE}"))
        else:
            self._part = InstancePart(self._begin)

    def part_data(self, data: bytes) -> None:
        """Write more of the instance."""
        if self._part is not None:
            try:
                self._part.write(data)
            except RefusedError as refusal:
                self._refuse(self._part.named, refusal)

    def part_ended(self) -> None:
        """Keep the instance, and tell."""
        if self._part is None:
            return
        try:
            stored = self._part.finish()
        except RefusedError as refusal:
            self._refuse(self._part.named, refusal)
            return
        self.result.stored.append(self._part.named)
        self._part = None
        self._around.requests.stored(self._request, stored)

    def _begin(self, identity: FileIdentity) -> StoreTransfer:
        return StoreTransfer(
            self._around.spool,
            {"AffectedSOPClassUID": identity.sop_class_uid, "AffectedSOPInstanceUID": identity.sop_instance_uid},
            Context(identity.sop_class_uid, identity.transfer_syntax_uid),
            (self._request.calling_ae_title, self._around.config.ae_title),
            maximum_bytes=self._around.config.maximum_instance_bytes,
            space=self._around.space,
            tell=_log,
            study_instance_uid=self._study,
        )

    def _refuse(self, named: Named, refusal: RefusedError) -> None:
        self.close()
        self.result.failed.append((named, refusal.status))
        self._around.requests.refused(
            RefusedInstance(
                calling_ae_title=self._request.calling_ae_title,
                status=refusal.status,
                reason=refusal.reason,
                study_instance_uid=refusal.header.study_instance_uid if refusal.header else None,
                sop_instance_uid=named.sop_instance_uid or None,
            )
        )


def content_type(field: str) -> Message:
    """Return a Content-Type field taken apart (RFC 2045 5.1)."""
    message = Message()
    message["content-type"] = field
    return message


def _log(trouble: Trouble) -> None:
    log(trouble.kind, trouble.text, details=trouble.details or None)
