"""Priorities, pausing and replacing; storage commitment; what peers tell; the state of destinations; retention."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _alter()
    _create()


def _alter() -> None:
    with op.batch_alter_table("studies") as table:
        table.add_column(sa.Column("expected_instances", sa.Integer(), nullable=True))
        table.add_column(sa.Column("deleted", sa.DateTime(), nullable=True))
        table.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
        table.create_index(op.f("ix_studies_decided"), ["decided"])
    with op.batch_alter_table("jobs") as table:
        for flag in ("stat", "paused", "cancel_requested"):
            table.add_column(sa.Column(flag, sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("failures", sa.JSON(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("overtaken", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("replaces_job_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("replaces", sa.JSON(), nullable=True))
        table.create_foreign_key(op.f("fk_jobs_replaces_job_id"), "jobs", ["replaces_job_id"], ["id"])
    with op.batch_alter_table("deliveries") as table:
        table.add_column(sa.Column("stored", sa.DateTime(), nullable=True))
        table.add_column(sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("transaction_uid", sa.String(length=64), nullable=True))
        table.add_column(sa.Column("commitment_asked", sa.DateTime(), nullable=True))
        table.add_column(sa.Column("committed", sa.DateTime(), nullable=True))
        table.create_index(op.f("ix_deliveries_transaction_uid"), ["transaction_uid"])


def _create() -> None:
    op.create_table(
        "paused_apps",
        sa.Column("app", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("app", name=op.f("pk_paused_apps")),
    )
    op.create_table(
        "destination_states",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("open_until", sa.DateTime(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_destination_states")),
    )
    op.create_table(
        "commitment_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("transaction_uid", sa.String(length=64), nullable=False),
        sa.Column("peer", sa.String(length=64), nullable=False),
        sa.Column("calling_ae_title", sa.String(length=16), nullable=False),
        sa.Column("instances", sa.JSON(), nullable=False),
        sa.Column("asked", sa.DateTime(), nullable=False),
        sa.Column("reported", sa.DateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commitment_requests")),
        sa.UniqueConstraint("peer", "transaction_uid", name=op.f("uq_commitment_requests_peer_transaction_uid")),
    )
    op.create_index(op.f("ix_commitment_requests_not_before"), "commitment_requests", ["not_before"])
    op.create_table(
        "procedure_steps",
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("sop_instance_uids", sa.JSON(), nullable=False),
        sa.Column("updated", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sop_instance_uid", name=op.f("pk_procedure_steps")),
    )
    op.create_index(op.f("ix_procedure_steps_study_instance_uid"), "procedure_steps", ["study_instance_uid"])
    op.create_table(
        "available_instances",
        sa.Column("sop_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("sop_instance_uids", sa.JSON(), nullable=False),
        sa.Column("updated", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sop_instance_uid", name=op.f("pk_available_instances")),
    )
    op.create_index(op.f("ix_available_instances_study_instance_uid"), "available_instances", ["study_instance_uid"])
    op.create_table(
        "senders",
        sa.Column("calling_ae_title", sa.String(length=16), nullable=False),
        sa.Column("pauses", sa.JSON(), nullable=False),
        sa.Column("updated", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("calling_ae_title", name=op.f("pk_senders")),
    )
    op.create_table(
        "app_decisions",
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("app", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("decided", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_instance_uid"], ["studies.study_instance_uid"], name=op.f("fk_app_decisions_study_instance_uid")
        ),
        sa.PrimaryKeyConstraint("study_instance_uid", "app", name=op.f("pk_app_decisions")),
    )
    op.create_table(
        "prior_studies",
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("prior_study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("archive", sa.String(length=64), nullable=False),
        sa.Column("asked", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_instance_uid"], ["studies.study_instance_uid"], name=op.f("fk_prior_studies_study_instance_uid")
        ),
        sa.PrimaryKeyConstraint("study_instance_uid", "prior_study_instance_uid", name=op.f("pk_prior_studies")),
    )
    op.create_index(op.f("ix_prior_studies_prior_study_instance_uid"), "prior_studies", ["prior_study_instance_uid"])
    op.create_table(
        "disk_samples",
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("free", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at", name=op.f("pk_disk_samples")),
    )
