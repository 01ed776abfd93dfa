"""initial"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "access_log_chain",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log_chain")),
        sa.UniqueConstraint("name", name=op.f("uq_access_log_chain_name")),
    )
    op.create_table(
        "access_log_student_set",
        sa.Column("id", KEY, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log_student_set")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_access_log_student_set_fingerprint")),
    )
    op.create_table(
        "catchment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catchment")),
        sa.UniqueConstraint("name", name=op.f("uq_catchment_name")),
    )
    op.create_table(
        "code",
        sa.Column("code_set", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("label", TEXT, nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code_set", "code", name=op.f("pk_code")),
    )
    op.create_table(
        "counter",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", KEY, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "disclosure",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("disclosed", sa.JSON(), nullable=False),
        sa.Column("redacted", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_disclosure")),
    )
    op.create_table(
        "ethnic_group",
        sa.Column("code", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("level1", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_ethnic_group")),
    )
    op.create_table(
        "iwi",
        sa.Column("code", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_iwi")),
    )
    op.create_table(
        "outbox_message",
        sa.Column("id", KEY, nullable=False),
        sa.Column("deduplication_key", TEXT, nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", INSTANT, nullable=True),
        sa.Column("last_error", TEXT, nullable=True),
        sa.Column("delivered_at", INSTANT, nullable=True),
        sa.Column("dropped_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint("deduplication_key", name=op.f("uq_outbox_message_deduplication_key")),
    )
    op.create_index(op.f("ix_outbox_message_delivered_at"), "outbox_message", ["delivered_at"], unique=False)
    op.create_index(op.f("ix_outbox_message_dropped_at"), "outbox_message", ["dropped_at"], unique=False)
    op.create_index(
        "ix_outbox_message_waiting",
        "outbox_message",
        ["created_at", "id"],
        unique=False,
        sqlite_where=sa.text("delivered_at IS NULL AND dropped_at IS NULL"),
        postgresql_where=sa.text("delivered_at IS NULL AND dropped_at IS NULL"),
    )
    op.create_table(
        "school_term",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("term", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("year", "term", name=op.f("pk_school_term")),
    )
    op.create_table(
        "service_level_target",
        sa.Column("version", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("working_days", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("version", "kind", name=op.f("pk_service_level_target")),
    )
    op.create_table(
        "user_account",
        sa.Column("id", KEY, nullable=False),
        sa.Column("subject", TEXT, nullable=True),
        sa.Column("username", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("phone", TEXT, nullable=True),
        sa.Column("display_name", TEXT, nullable=False),
        sa.Column("display_name_folded", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=True),
        sa.Column("given_name", TEXT, nullable=True),
        sa.Column("middle_name", TEXT, nullable=True),
        sa.Column("preferred_name", TEXT, nullable=True),
        sa.Column("surname", TEXT, nullable=True),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column(
            "gender",
            sa.Enum("M", "F", "X", "U", name="gender", native_enum=False, create_constraint=True, length=9),
            nullable=True,
        ),
        sa.Column("training_completed_at", INSTANT, nullable=True),
        sa.Column("training_certified_by_id", KEY, nullable=True),
        sa.Column("last_signed_in_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "training_certified_by_id IS NULL OR training_certified_by_id <> id",
            name=op.f("ck_user_account_training_not_certified_by_oneself"),
        ),
        sa.ForeignKeyConstraint(
            ["training_certified_by_id"], ["user_account.id"], name=op.f("fk_user_account_training_certified_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("subject", name=op.f("uq_user_account_subject")),
        sa.UniqueConstraint("username", name=op.f("uq_user_account_username")),
    )
    op.create_index(
        "ix_user_account_display_name_folded_display_name_id",
        "user_account",
        ["display_name_folded", "display_name", "id"],
        unique=False,
    )
    op.create_table(
        "access_log_entry",
        sa.Column("id", KEY, nullable=False),
        sa.Column("chain_id", KEY, nullable=False),
        sa.Column("sequence", KEY, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("organisation_id", KEY, nullable=True),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("operation_name", TEXT, nullable=True),
        sa.Column("operation_hash", TEXT, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("student_set_id", KEY, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["fingerprint"], ["disclosure.fingerprint"], name=op.f("fk_access_log_entry_fingerprint")
        ),
        sa.ForeignKeyConstraint(
            ["student_set_id"], ["access_log_student_set.id"], name=op.f("fk_access_log_entry_student_set_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log_entry")),
        sa.UniqueConstraint("chain_id", "sequence", name=op.f("uq_access_log_entry_chain_id_sequence")),
    )
    op.create_index("ix_access_log_entry_student_set_id", "access_log_entry", ["student_set_id"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("acting_id", KEY, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_idempotency_key_user_id")),
        sa.PrimaryKeyConstraint("user_id", "acting_id", "key", "position", name=op.f("pk_idempotency_key")),
    )
    op.create_index(op.f("ix_idempotency_key_created_at"), "idempotency_key", ["created_at"], unique=False)
    op.create_table(
        "import_run",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("sha256", TEXT, nullable=True),
        sa.Column("size_bytes", KEY, nullable=False),
        sa.Column("started_by_id", KEY, nullable=True),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("lines_read", sa.Integer(), nullable=False),
        sa.Column("lines_bad", sa.Integer(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("failure", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["started_by_id"], ["user_account.id"], name=op.f("fk_import_run_started_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )
    op.create_table(
        "organisation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("name_folded", TEXT, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "SCHOOL",
                "IN_SCHOOL_PROVIDER",
                "ATTENDANCE_SERVICE_PROVIDER",
                "MINISTRY",
                name="organisationkind",
                native_enum=False,
                create_constraint=True,
                length=35,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum("OPEN", "CLOSED", name="organisationstatus", native_enum=False, create_constraint=True, length=14),
            nullable=False,
        ),
        sa.Column("region", TEXT, nullable=True),
        sa.Column("catchment_id", KEY, nullable=True),
        sa.Column("school_id", KEY, nullable=True),
        sa.CheckConstraint(
            "school_id IS NULL OR kind = 'IN_SCHOOL_PROVIDER'", name=op.f("ck_organisation_only_isp_has_school")
        ),
        sa.ForeignKeyConstraint(["catchment_id"], ["catchment.id"], name=op.f("fk_organisation_catchment_id")),
        sa.ForeignKeyConstraint(["school_id"], ["organisation.id"], name=op.f("fk_organisation_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("number", name=op.f("uq_organisation_number")),
        sa.UniqueConstraint("school_id", name=op.f("uq_organisation_school_id")),
    )
    op.create_index(op.f("ix_organisation_catchment_id"), "organisation", ["catchment_id"], unique=False)
    op.create_index("ix_organisation_name_folded_name_id", "organisation", ["name_folded", "name", "id"], unique=False)
    op.create_table(
        "account_event",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("organisation_id", KEY, nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_account_event_organisation_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_account_event_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_event")),
    )
    op.create_index(
        "ix_account_event_user_id_occurred_at_id", "account_event", ["user_id", "occurred_at", "id"], unique=False
    )
    op.create_table(
        "catchment_provider",
        sa.Column("catchment_id", KEY, nullable=False),
        sa.Column("provider_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["catchment_id"], ["catchment.id"], name=op.f("fk_catchment_provider_catchment_id")),
        sa.ForeignKeyConstraint(["provider_id"], ["organisation.id"], name=op.f("fk_catchment_provider_provider_id")),
        sa.PrimaryKeyConstraint("catchment_id", name=op.f("pk_catchment_provider")),
    )
    op.create_index(op.f("ix_catchment_provider_provider_id"), "catchment_provider", ["provider_id"], unique=False)
    op.create_table(
        "import_problem",
        sa.Column("id", KEY, nullable=False),
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["import_run.id"], name=op.f("fk_import_problem_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_problem")),
    )
    op.create_index("ix_import_problem_run_id_line", "import_problem", ["run_id", "line"], unique=False)
    op.create_table(
        "role_assignment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("organisation_id", KEY, nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "ATTENDANCE_LEAD",
                "PRIMARY_CONTACT",
                "OFFICE_SUPPORT",
                "WORKFLOW_LEAD",
                "CASE_MANAGER",
                "MINISTRY_ADVISER",
                "MINISTRY_ANALYST",
                "PRIVACY_OFFICER",
                "MINISTRY_ADMINISTRATOR",
                "DELEGATED_AUTHORISER",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("granted_by_id", KEY, nullable=True),
        sa.Column("granted_at", INSTANT, nullable=False),
        sa.Column("approved_by_id", KEY, nullable=True),
        sa.Column("approved_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_by_id", KEY, nullable=True),
        sa.CheckConstraint(
            "approved_by_id IS NULL OR approved_by_id <> user_id",
            name=op.f("ck_role_assignment_not_approved_by_oneself"),
        ),
        sa.ForeignKeyConstraint(
            ["approved_by_id"], ["user_account.id"], name=op.f("fk_role_assignment_approved_by_id")
        ),
        sa.ForeignKeyConstraint(["ended_by_id"], ["user_account.id"], name=op.f("fk_role_assignment_ended_by_id")),
        sa.ForeignKeyConstraint(["granted_by_id"], ["user_account.id"], name=op.f("fk_role_assignment_granted_by_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_role_assignment_organisation_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_role_assignment_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_assignment")),
    )
    op.create_index(
        "ix_role_assignment_organisation_id_role", "role_assignment", ["organisation_id", "role"], unique=False
    )
    op.create_index(
        "uq_role_assignment_live",
        "role_assignment",
        ["user_id", "organisation_id", "role"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "student",
        sa.Column("id", KEY, nullable=False),
        sa.Column("nsn", TEXT, nullable=True),
        sa.Column("full_name", TEXT, nullable=False),
        sa.Column("full_name_folded", TEXT, nullable=False),
        sa.Column("known_as", TEXT, nullable=True),
        sa.Column("known_as_folded", TEXT, nullable=True),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column(
            "gender",
            sa.Enum("M", "F", "X", "U", name="gender", native_enum=False, create_constraint=True, length=9),
            nullable=False,
        ),
        sa.Column("year_level", sa.Integer(), nullable=True),
        sa.Column("address", TEXT, nullable=True),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("school_id", KEY, nullable=True),
        sa.CheckConstraint(
            "year_level IS NULL OR year_level BETWEEN 0 AND 15", name=op.f("ck_student_year_level_range")
        ),
        sa.ForeignKeyConstraint(["school_id"], ["organisation.id"], name=op.f("fk_student_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_student")),
        sa.UniqueConstraint("nsn", name=op.f("uq_student_nsn")),
    )
    op.create_index(
        "ix_student_full_name_folded_full_name_id",
        "student",
        ["full_name_folded", "full_name", "id", "known_as_folded"],
        unique=False,
    )
    op.create_index(
        "ix_student_protected",
        "student",
        ["id"],
        unique=False,
        sqlite_where=sa.text("protected = 1"),
        postgresql_where=sa.text("protected"),
    )
    op.create_index("ix_student_school_id_full_name_folded", "student", ["school_id", "full_name_folded"], unique=False)
    op.create_table(
        "access_block",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("set_by_id", KEY, nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.Column("lifted_by_id", KEY, nullable=True),
        sa.Column("lifted_at", INSTANT, nullable=True),
        sa.Column("lift_reason", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["lifted_by_id"], ["user_account.id"], name=op.f("fk_access_block_lifted_by_id")),
        sa.ForeignKeyConstraint(["set_by_id"], ["user_account.id"], name=op.f("fk_access_block_set_by_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_access_block_student_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_access_block_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_block")),
    )
    op.create_index("ix_access_block_student_id", "access_block", ["student_id"], unique=False)
    op.create_index(
        "uq_access_block_live",
        "access_block",
        ["user_id", "student_id"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "access_log_student",
        sa.Column("set_id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["set_id"], ["access_log_student_set.id"], name=op.f("fk_access_log_student_set_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_access_log_student_student_id")),
        sa.PrimaryKeyConstraint("set_id", "student_id", name=op.f("pk_access_log_student")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_access_log_student_student_id_set_id", "access_log_student", ["student_id", "set_id"], unique=False
    )
    op.create_table(
        "attendance_summary",
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("term", TEXT, nullable=False),
        sa.Column("percentage", sa.Float(), nullable=False),
        sa.Column("days_absent", sa.Integer(), nullable=False),
        sa.Column("last_attended_on", sa.Date(), nullable=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.CheckConstraint("percentage BETWEEN 0 AND 100", name=op.f("ck_attendance_summary_percentage_range")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_attendance_summary_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendance_summary")),
        sa.UniqueConstraint("student_id", "term", name=op.f("uq_attendance_summary_student_id_term")),
    )
    op.create_index(
        "uq_attendance_summary_current",
        "attendance_summary",
        ["student_id"],
        unique=True,
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
    )
    op.create_table(
        "caregiver",
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("relationship", TEXT, nullable=False),
        sa.Column("phone", TEXT, nullable=True),
        sa.Column("email", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_caregiver_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caregiver")),
    )
    op.create_index("ix_caregiver_student_id_id", "caregiver", ["student_id", "id"], unique=False)
    op.create_table(
        "case_record",
        sa.Column("id", KEY, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "CHRONIC_ABSENCE", "NON_ENROLLED", name="casetype", native_enum=False, create_constraint=True, length=23
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "PROVIDER_QUEUE",
                "OPEN",
                "PAUSED",
                "TRANSITION",
                "CLOSED",
                name="casestatus",
                native_enum=False,
                create_constraint=True,
                length=22,
            ),
            nullable=False,
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("school_id", KEY, nullable=True),
        sa.Column("provider_id", KEY, nullable=False),
        sa.Column("catchment_id", KEY, nullable=True),
        sa.Column("region", TEXT, nullable=True),
        sa.Column("case_manager_id", KEY, nullable=True),
        sa.Column("primary_contact_id", KEY, nullable=True),
        sa.Column("school_contact_notes", TEXT, nullable=True),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("assigned_at", INSTANT, nullable=True),
        sa.Column("first_contact_at", INSTANT, nullable=True),
        sa.Column("planned_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("outcome_code", TEXT, nullable=True),
        sa.Column("closing_summary", TEXT, nullable=True),
        sa.Column("status_reason_code", TEXT, nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("merged_into_id", KEY, nullable=True),
        sa.Column("former_reference", TEXT, nullable=True),
        sa.Column("target_version", TEXT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (status <> 'CLOSED')", name=op.f("ck_case_record_closed_at_iff_closed")
        ),
        sa.CheckConstraint("(status = 'CLOSED') = (NOT active)", name=op.f("ck_case_record_active_unless_closed")),
        sa.CheckConstraint(
            "status <> 'OPEN' OR case_manager_id IS NOT NULL", name=op.f("ck_case_record_open_has_manager")
        ),
        sa.ForeignKeyConstraint(["case_manager_id"], ["user_account.id"], name=op.f("fk_case_record_case_manager_id")),
        sa.ForeignKeyConstraint(["catchment_id"], ["catchment.id"], name=op.f("fk_case_record_catchment_id")),
        sa.ForeignKeyConstraint(["merged_into_id"], ["case_record.id"], name=op.f("fk_case_record_merged_into_id")),
        sa.ForeignKeyConstraint(
            ["primary_contact_id"], ["user_account.id"], name=op.f("fk_case_record_primary_contact_id")
        ),
        sa.ForeignKeyConstraint(["provider_id"], ["organisation.id"], name=op.f("fk_case_record_provider_id")),
        sa.ForeignKeyConstraint(["school_id"], ["organisation.id"], name=op.f("fk_case_record_school_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_case_record_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_record")),
        sa.UniqueConstraint("former_reference", name=op.f("uq_case_record_former_reference")),
        sa.UniqueConstraint("number", name=op.f("uq_case_record_number")),
    )
    op.create_index(
        "ix_case_record_case_manager_id_opened_at_id",
        "case_record",
        ["case_manager_id", "opened_at", "id"],
        unique=False,
    )
    op.create_index("ix_case_record_opened_at_id", "case_record", ["opened_at", "id", "student_id"], unique=False)
    op.create_index(
        "ix_case_record_primary_contact_id_opened_at_id",
        "case_record",
        ["primary_contact_id", "opened_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_case_record_provider_id_opened_at_id",
        "case_record",
        ["provider_id", "opened_at", "id", "student_id"],
        unique=False,
    )
    op.create_index(
        "ix_case_record_provider_id_status_opened_at_id",
        "case_record",
        ["provider_id", "status", "opened_at", "id", "student_id"],
        unique=False,
    )
    op.create_index(
        "ix_case_record_region_opened_at_id", "case_record", ["region", "opened_at", "id", "student_id"], unique=False
    )
    op.create_index(
        "ix_case_record_region_status_opened_at_id",
        "case_record",
        ["region", "status", "opened_at", "id", "student_id"],
        unique=False,
    )
    op.create_index(
        "ix_case_record_school_id_active_opened_at_id",
        "case_record",
        ["school_id", "active", "opened_at", "id", "student_id"],
        unique=False,
    )
    op.create_index(
        "ix_case_record_status_opened_at_id", "case_record", ["status", "opened_at", "id", "student_id"], unique=False
    )
    op.create_index("ix_case_record_student_id", "case_record", ["student_id"], unique=False)
    op.create_index(
        "uq_case_record_active",
        "case_record",
        ["student_id", "type"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "change_entry",
        sa.Column("id", KEY, nullable=False),
        sa.Column("sequence", KEY, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("user_id", KEY, nullable=True),
        sa.Column("organisation_id", KEY, nullable=True),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("subject_type", TEXT, nullable=False),
        sa.Column("subject_id", KEY, nullable=True),
        sa.Column("student_id", KEY, nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_change_entry_organisation_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_change_entry_student_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_change_entry_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_entry")),
        sa.UniqueConstraint("sequence", name=op.f("uq_change_entry_sequence")),
    )
    op.create_index("ix_change_entry_student_id_id", "change_entry", ["student_id", "id"], unique=False)
    op.create_table(
        "correction",
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("field", TEXT, nullable=False),
        sa.Column("earlier", TEXT, nullable=True),
        sa.Column("later", TEXT, nullable=True),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("statement", TEXT, nullable=True),
        sa.Column("recorded_by_id", KEY, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["user_account.id"], name=op.f("fk_correction_recorded_by_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_correction_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
    )
    op.create_index(op.f("ix_correction_student_id"), "correction", ["student_id"], unique=False)
    op.create_table(
        "enrolment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("school_id", KEY, nullable=False),
        sa.Column("year_level", sa.Integer(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.CheckConstraint("ended_on IS NULL OR ended_on >= started_on", name=op.f("ck_enrolment_ends_after_start")),
        sa.ForeignKeyConstraint(["school_id"], ["organisation.id"], name=op.f("fk_enrolment_school_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_enrolment_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment")),
    )
    op.create_index("ix_enrolment_student_id_started_on", "enrolment", ["student_id", "started_on"], unique=False)
    op.create_index(
        "uq_enrolment_open",
        "enrolment",
        ["student_id"],
        unique=True,
        sqlite_where=sa.text("ended_on IS NULL"),
        postgresql_where=sa.text("ended_on IS NULL"),
    )
    op.create_table(
        "student_ethnicity",
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.CheckConstraint("position BETWEEN 1 AND 3", name=op.f("ck_student_ethnicity_up_to_three")),
        sa.ForeignKeyConstraint(["code"], ["ethnic_group.code"], name=op.f("fk_student_ethnicity_code")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_student_ethnicity_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_student_ethnicity")),
        sa.UniqueConstraint("student_id", "code", name=op.f("uq_student_ethnicity_student_id_code")),
        sa.UniqueConstraint("student_id", "position", name=op.f("uq_student_ethnicity_student_id_position")),
    )
    op.create_table(
        "student_iwi",
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["code"], ["iwi.code"], name=op.f("fk_student_iwi_code")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_student_iwi_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_student_iwi")),
        sa.UniqueConstraint("student_id", "code", name=op.f("uq_student_iwi_student_id_code")),
    )
    op.create_table(
        "unprotect_request",
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("requested_by_id", KEY, nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("decided_by_id", KEY, nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("lifted", sa.Boolean(), nullable=True),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (lifted IS NULL)", name=op.f("ck_unprotect_request_lifted_iff_decided")
        ),
        sa.CheckConstraint(
            "decided_by_id IS NULL OR decided_by_id <> requested_by_id",
            name=op.f("ck_unprotect_request_decided_by_another"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["user_account.id"], name=op.f("fk_unprotect_request_decided_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_id"], ["user_account.id"], name=op.f("fk_unprotect_request_requested_by_id")
        ),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_unprotect_request_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unprotect_request")),
    )
    op.create_index(
        "uq_unprotect_request_waiting",
        "unprotect_request",
        ["student_id"],
        unique=True,
        sqlite_where=sa.text("decided_at IS NULL"),
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_table(
        "case_allocation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("provider_id", KEY, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("hand_over_summary", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"], name=op.f("fk_case_allocation_case_id")),
        sa.ForeignKeyConstraint(["provider_id"], ["organisation.id"], name=op.f("fk_case_allocation_provider_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_allocation")),
    )
    op.create_index(op.f("ix_case_allocation_case_id"), "case_allocation", ["case_id"], unique=False)
    op.create_table(
        "case_barrier",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"], name=op.f("fk_case_barrier_case_id")),
        sa.PrimaryKeyConstraint("case_id", "code", name=op.f("pk_case_barrier")),
    )
    op.create_table(
        "case_status_change",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column(
            "from_status",
            sa.Enum(
                "PROVIDER_QUEUE",
                "OPEN",
                "PAUSED",
                "TRANSITION",
                "CLOSED",
                name="from_status",
                native_enum=False,
                create_constraint=True,
                length=22,
            ),
            nullable=True,
        ),
        sa.Column(
            "to_status",
            sa.Enum(
                "PROVIDER_QUEUE",
                "OPEN",
                "PAUSED",
                "TRANSITION",
                "CLOSED",
                name="to_status",
                native_enum=False,
                create_constraint=True,
                length=22,
            ),
            nullable=False,
        ),
        sa.Column("reason_code", TEXT, nullable=True),
        sa.Column("changed_by_id", KEY, nullable=True),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"], name=op.f("fk_case_status_change_case_id")),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["user_account.id"], name=op.f("fk_case_status_change_changed_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_status_change")),
    )
    op.create_index(op.f("ix_case_status_change_case_id"), "case_status_change", ["case_id"], unique=False)
    op.create_table(
        "comment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("author_id", KEY, nullable=False),
        sa.Column("organisation_id", KEY, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.Column(
            "visibility",
            sa.Enum("INTERNAL", "SHARED", name="visibility", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("shared_with_school_id", KEY, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("edited_at", INSTANT, nullable=True),
        sa.Column("in_error_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "visibility <> 'INTERNAL' OR shared_with_school_id IS NULL", name=op.f("ck_comment_internal_is_not_shared")
        ),
        sa.ForeignKeyConstraint(["author_id"], ["user_account.id"], name=op.f("fk_comment_author_id")),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"], name=op.f("fk_comment_case_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_comment_organisation_id")),
        sa.ForeignKeyConstraint(
            ["shared_with_school_id"], ["organisation.id"], name=op.f("fk_comment_shared_with_school_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
    )
    op.create_index("ix_comment_case_id_created_at_id", "comment", ["case_id", "created_at", "id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "REQUEST_RECEIVED",
                "PHONE_CALL",
                "TEXT_MESSAGE",
                "EMAIL",
                "HOME_VISIT",
                "MEETING",
                "SCHOOL_VISIT",
                "NOTE",
                "CASE_CHANGED",
                name="eventkind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("occurs_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by_id", KEY, nullable=True),
        sa.Column("organisation_id", KEY, nullable=True),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=True),
        sa.Column("outcome", TEXT, nullable=True),
        sa.Column("participants", sa.JSON(), nullable=False),
        sa.Column(
            "visibility",
            sa.Enum("INTERNAL", "SHARED", name="visibility", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("shared_with_school_id", KEY, nullable=True),
        sa.Column("in_error_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "visibility <> 'INTERNAL' OR shared_with_school_id IS NULL", name=op.f("ck_event_internal_is_not_shared")
        ),
        sa.CheckConstraint("ends_at IS NULL OR ends_at >= occurs_at", name=op.f("ck_event_ends_after_start")),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"], name=op.f("fk_event_case_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_event_organisation_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["user_account.id"], name=op.f("fk_event_recorded_by_id")),
        sa.ForeignKeyConstraint(
            ["shared_with_school_id"], ["organisation.id"], name=op.f("fk_event_shared_with_school_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_case_id_occurs_at_id", "event", ["case_id", "occurs_at", "id"], unique=False)
    op.create_table(
        "needs_fund_entry",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("spent_on", sa.Date(), nullable=False),
        sa.Column("recorded_by_id", KEY, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("in_error_at", INSTANT, nullable=True),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_needs_fund_entry_positive_amount")),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"], name=op.f("fk_needs_fund_entry_case_id")),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["user_account.id"], name=op.f("fk_needs_fund_entry_recorded_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_needs_fund_entry")),
    )
    op.create_index(op.f("ix_needs_fund_entry_case_id"), "needs_fund_entry", ["case_id"], unique=False)
    op.create_table(
        "request",
        sa.Column("id", KEY, nullable=False),
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("number", TEXT, nullable=True),
        sa.Column(
            "type",
            sa.Enum(
                "CHRONIC_ABSENCE", "NON_ENROLLED", name="casetype", native_enum=False, create_constraint=True, length=23
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "DRAFT",
                "SUBMITTED",
                "ACCEPTED",
                "DECLINED",
                "WITHDRAWN",
                name="requeststatus",
                native_enum=False,
                create_constraint=True,
                length=17,
            ),
            nullable=False,
        ),
        sa.Column("school_id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=True),
        sa.Column("applied_for_full_name", TEXT, nullable=True),
        sa.Column("applied_for_full_name_folded", TEXT, nullable=True),
        sa.Column("applied_for_known_as", TEXT, nullable=True),
        sa.Column("applied_for_year_level", sa.Integer(), nullable=True),
        sa.Column("created_by_id", KEY, nullable=False),
        sa.Column("primary_contact_id", KEY, nullable=True),
        sa.Column("provider_id", KEY, nullable=True),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("last_modified_at", INSTANT, nullable=False),
        sa.Column("submitted_at", INSTANT, nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decline_reason_code", TEXT, nullable=True),
        sa.Column("decline_note", TEXT, nullable=True),
        sa.Column("withdrawal_reason", TEXT, nullable=True),
        sa.Column("current_term_percentage", sa.Float(), nullable=True),
        sa.Column("previous_term_percentage", sa.Float(), nullable=True),
        sa.Column("days_absent", sa.Integer(), nullable=True),
        sa.Column("first_day_absent", sa.Date(), nullable=True),
        sa.Column("last_day_absent", sa.Date(), nullable=True),
        sa.Column("plan_in_place", sa.Boolean(), nullable=True),
        sa.Column("plan_reviewed_on", sa.Date(), nullable=True),
        sa.Column("plan_outcome", TEXT, nullable=True),
        sa.Column("star_actions", TEXT, nullable=True),
        sa.Column("whanau_contacted", TEXT, nullable=True),
        sa.Column("barrier_notes", TEXT, nullable=True),
        sa.Column("main_barrier_code", TEXT, nullable=True),
        sa.Column("other_services", TEXT, nullable=True),
        sa.Column("notes", TEXT, nullable=True),
        sa.Column(
            "advice_level",
            sa.Enum(
                "HIGHLY_RECOMMENDED",
                "CONSIDER",
                "DELAY",
                "DO_NOT_REFER",
                name="advicelevel",
                native_enum=False,
                create_constraint=True,
                length=26,
            ),
            nullable=True,
        ),
        sa.Column("advice_reasons", sa.JSON(), nullable=True),
        sa.Column("advice_version", TEXT, nullable=True),
        sa.Column("advice_reason", TEXT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("status <> 'DRAFT' OR submitted_at IS NULL", name=op.f("ck_request_draft_not_submitted")),
        sa.CheckConstraint(
            "status NOT IN ('SUBMITTED', 'ACCEPTED', 'DECLINED') OR case_id IS NOT NULL",
            name=op.f("ck_request_submitted_has_case"),
        ),
        sa.CheckConstraint("(number IS NULL) = (submitted_at IS NULL)", name=op.f("ck_request_number_iff_submitted")),
        sa.CheckConstraint(
            "submitted_at IS NULL OR student_id IS NOT NULL", name=op.f("ck_request_submitted_has_student")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"], name=op.f("fk_request_case_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user_account.id"], name=op.f("fk_request_created_by_id")),
        sa.ForeignKeyConstraint(
            ["primary_contact_id"], ["user_account.id"], name=op.f("fk_request_primary_contact_id")
        ),
        sa.ForeignKeyConstraint(["provider_id"], ["organisation.id"], name=op.f("fk_request_provider_id")),
        sa.ForeignKeyConstraint(["school_id"], ["organisation.id"], name=op.f("fk_request_school_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_request_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        sa.UniqueConstraint("number", name=op.f("uq_request_number")),
        sa.UniqueConstraint("reference", name=op.f("uq_request_reference")),
    )
    op.create_index(
        "ix_request_case_id_submitted_at_id", "request", ["case_id", "submitted_at", "id", "student_id"], unique=False
    )
    op.create_index("ix_request_created_by_id", "request", ["created_by_id"], unique=False)
    op.create_index("ix_request_last_modified_at_id", "request", ["last_modified_at", "id"], unique=False)
    op.create_index("ix_request_primary_contact_id", "request", ["primary_contact_id"], unique=False)
    op.create_index(
        "ix_request_school_id_last_modified_at_id", "request", ["school_id", "last_modified_at", "id"], unique=False
    )
    op.create_index(
        "ix_request_school_id_status_last_modified_at_id",
        "request",
        ["school_id", "status", "last_modified_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_request_status_last_modified_at_id",
        "request",
        ["status", "last_modified_at", "id", "submitted_at", "student_id"],
        unique=False,
    )
    op.create_index("ix_request_student_id", "request", ["student_id"], unique=False)
    op.create_index("ix_request_submitted_at_id", "request", ["submitted_at", "id", "student_id"], unique=False)
    op.create_table(
        "safety_alert",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("raised_by_id", KEY, nullable=False),
        sa.Column("raised_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"], name=op.f("fk_safety_alert_case_id")),
        sa.ForeignKeyConstraint(["raised_by_id"], ["user_account.id"], name=op.f("fk_safety_alert_raised_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safety_alert")),
    )
    op.create_index(op.f("ix_safety_alert_case_id"), "safety_alert", ["case_id"], unique=False)
    op.create_table(
        "task",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("assignee_id", KEY, nullable=True),
        sa.Column("created_by_id", KEY, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("handed_over", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["assignee_id"], ["user_account.id"], name=op.f("fk_task_assignee_id")),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"], name=op.f("fk_task_case_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user_account.id"], name=op.f("fk_task_created_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index("ix_task_case_id_due_on_id", "task", ["case_id", "due_on", "id"], unique=False)
    op.create_table(
        "alert",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("organisation_id", KEY, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "CASE_OPENED",
                "STATUS_CHANGED",
                "CASE_MANAGER_ASSIGNED",
                "COMMENT_SHARED",
                "FILE_SHARED",
                "CONTACT_CHANGED",
                "REQUEST_SUBMITTED",
                "RETURNED_TO_QUEUE",
                "STUDENT_ARRIVED",
                name="alertkind",
                native_enum=False,
                create_constraint=True,
                length=29,
            ),
            nullable=False,
        ),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("request_id", KEY, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("read_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"], name=op.f("fk_alert_case_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_alert_organisation_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_alert_request_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_alert_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index(
        "ix_alert_user_id_organisation_id_created_at_id",
        "alert",
        ["user_id", "organisation_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "comment_revision",
        sa.Column("id", KEY, nullable=False),
        sa.Column("comment_id", KEY, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("replaced_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_comment_revision_comment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment_revision")),
    )
    op.create_index(op.f("ix_comment_revision_comment_id"), "comment_revision", ["comment_id"], unique=False)
    op.create_table(
        "file",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("request_id", KEY, nullable=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("media_type", TEXT, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("storage_key", TEXT, nullable=False),
        sa.Column(
            "visibility",
            sa.Enum("INTERNAL", "SHARED", name="visibility", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("shared_with_school_id", KEY, nullable=True),
        sa.Column("uploaded_by_id", KEY, nullable=False),
        sa.Column("organisation_id", KEY, nullable=False),
        sa.Column("uploaded_at", INSTANT, nullable=False),
        sa.Column("in_error_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "visibility <> 'INTERNAL' OR shared_with_school_id IS NULL", name=op.f("ck_file_internal_is_not_shared")
        ),
        sa.CheckConstraint("case_id IS NOT NULL OR request_id IS NOT NULL", name=op.f("ck_file_has_parent")),
        sa.CheckConstraint("size_bytes BETWEEN 0 AND 26214400", name=op.f("ck_file_at_most_25_mib")),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"], name=op.f("fk_file_case_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_file_organisation_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_file_request_id")),
        sa.ForeignKeyConstraint(
            ["shared_with_school_id"], ["organisation.id"], name=op.f("fk_file_shared_with_school_id")
        ),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["user_account.id"], name=op.f("fk_file_uploaded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_file_storage_key")),
    )
    op.create_index("ix_file_case_id_uploaded_at_id", "file", ["case_id", "uploaded_at", "id"], unique=False)
    op.create_index("ix_file_request_id_uploaded_at_id", "file", ["request_id", "uploaded_at", "id"], unique=False)
    op.create_table(
        "notice_given",
        sa.Column("id", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=True),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("given_to", TEXT, nullable=False),
        sa.Column(
            "method",
            sa.Enum(
                "LINK",
                "PRINTED",
                "EMAIL",
                "IN_PERSON",
                name="noticemethod",
                native_enum=False,
                create_constraint=True,
                length=17,
            ),
            nullable=False,
        ),
        sa.Column("recorded_by_id", KEY, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint("(request_id IS NULL) <> (case_id IS NULL)", name=op.f("ck_notice_given_request_or_case")),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"], name=op.f("fk_notice_given_case_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["user_account.id"], name=op.f("fk_notice_given_recorded_by_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_notice_given_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_given")),
        sa.UniqueConstraint("case_id", name=op.f("uq_notice_given_case_id")),
        sa.UniqueConstraint("request_id", name=op.f("uq_notice_given_request_id")),
    )
    op.create_table(
        "request_barrier",
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_request_barrier_request_id")),
        sa.PrimaryKeyConstraint("request_id", "code", name=op.f("pk_request_barrier")),
    )
    op.create_table(
        "request_caregiver_contact",
        sa.Column("id", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("relationship", TEXT, nullable=False),
        sa.Column("phone", TEXT, nullable=True),
        sa.Column("email", TEXT, nullable=True),
        sa.Column("prefilled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_request_caregiver_contact_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_caregiver_contact")),
    )
    op.create_index(
        op.f("ix_request_caregiver_contact_request_id"), "request_caregiver_contact", ["request_id"], unique=False
    )
    op.create_table(
        "request_confirmation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "DETAILS",
                "PRIVACY_STATEMENT",
                name="confirmationkind",
                native_enum=False,
                create_constraint=True,
                length=25,
            ),
            nullable=False,
        ),
        sa.Column("statement_version", TEXT, nullable=False),
        sa.Column("confirmed_by_id", KEY, nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["confirmed_by_id"], ["user_account.id"], name=op.f("fk_request_confirmation_confirmed_by_id")
        ),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_request_confirmation_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_confirmation")),
        sa.UniqueConstraint(
            "request_id",
            "kind",
            "confirmed_by_id",
            "statement_version",
            name=op.f("uq_request_confirmation_request_id_kind_confirmed_by_id_statement_version"),
        ),
    )
    op.create_table(
        "request_criterion",
        sa.Column("id", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("criterion", TEXT, nullable=False),
        sa.Column("met", sa.Boolean(), nullable=False),
        sa.Column("note", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_request_criterion_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_criterion")),
        sa.UniqueConstraint("request_id", "criterion", name=op.f("uq_request_criterion_request_id_criterion")),
    )
    op.create_table(
        "request_factor",
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_request_factor_request_id")),
        sa.PrimaryKeyConstraint("request_id", "code", name=op.f("pk_request_factor")),
    )
