"""Verify: re-read every result before it may leave, as if someone else had written it.

``results`` is the way in. ``encoding``, ``elements`` and ``result_file`` read the bytes; each other file is one kind of
rule: ``structure`` (IODs, with ``iods``, ``conditions``, ``functional_groups``, ``content_items``), ``values`` (with
``terms``), ``identity``, ``references``, ``pixels``, ``air``.
"""

from deploy.node.verify.references import KnownInstance
from deploy.node.verify.results import ResultObject, VerificationError, verify_results

__all__ = ["KnownInstance", "ResultObject", "VerificationError", "verify_results"]
