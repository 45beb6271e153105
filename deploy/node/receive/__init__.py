"""Receiving: the DICOM upper layer, C-STORE, C-ECHO, and the way to the services; several processes on one port.

    node                                       receiver process (``process``), one thread for each association
    ``storage_scp.StorageSCP``  ── starts ──→   ``association`` ─ ``upper_layer`` ─ ``negotiation`` ─ ``commands``
    ``index.ReceiveIndex``      ←─ reports ──   ``storing`` → spool          ``services``

Doors: :class:`deploy.node.receive.storage_scp.StorageSCP` for the node, :mod:`deploy.node.receive.reports` for who is
told what came. Nothing is imported here, as a receiver process imports as little as possible.
"""
