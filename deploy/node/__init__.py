"""The DICOM node: receive → spool → readiness → route → jobs → engine → verify → outbox."""
