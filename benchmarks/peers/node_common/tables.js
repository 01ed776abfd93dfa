'use strict'

/** What is read of each table, and which rows a school's people reach: SQL, with `@userId` and `@organisationId`. */

const told = (alias, name) => `CASE WHEN ${alias}.in_error_at IS NULL THEN ${alias}.${name}
  ELSE 'Entered in error: ' || ${alias}.${name} END AS ${name}`

const notBlocked = alias => `NOT EXISTS (SELECT 1 FROM access_block b
  WHERE b.student_id = ${alias}.student_id AND b.user_id = @userId AND b.lifted_at IS NULL)`
const shared = alias =>
  `(${alias}.shared_with_school_id = @organisationId OR ${alias}.organisation_id = @organisationId)`
const own = author => alias => `(${alias}.${author} = @userId AND ${alias}.organisation_id = @organisationId)`

/** The school's active cases. */
const casesReached = alias => `${alias}.school_id = @organisationId AND ${alias}.active = 1 AND ${notBlocked(alias)}`

/** The school's requests, while the student is enrolled there. */
const requestsReached = alias => `${alias}.school_id = @organisationId
  AND (${alias}.student_id IS NULL
    OR EXISTS (SELECT 1 FROM student s WHERE s.id = ${alias}.student_id AND s.school_id = @organisationId))
  AND ${notBlocked(alias)}`

const CASES = {
  table: 'case_record',
  columns: a => `${a}.id, ${a}.number, ${a}.type, ${a}.status, ${a}.opened_at AS openedAt, ${a}.version,
    ${a}.student_id AS studentId, ${a}.school_id AS schoolId, ${a}.provider_id AS providerId,
    ${a}.catchment_id AS catchmentId, ${a}.case_manager_id AS caseManagerId,
    ${a}.primary_contact_id AS primaryContactId, ${a}.school_contact_notes AS schoolContactNotes`,
  reached: casesReached,
  orders: { NUMBER: 'number', OPENED_AT: 'opened_at' },
  usualOrder: 'OPENED_AT'
}

const REQUESTS = {
  table: 'request',
  columns: a => `${a}.id, ${a}.reference, ${a}.number, ${a}.type, ${a}.status, ${a}.school_id AS schoolId,
    ${a}.case_id AS caseId, ${a}.created_by_id AS createdById, ${a}.primary_contact_id AS primaryContactId,
    ${a}.last_modified_at AS lastModifiedAt, ${a}.submitted_at AS submittedAt,
    ${a}.applied_for_full_name AS fullName, ${a}.applied_for_known_as AS knownAs,
    ${a}.applied_for_year_level AS yearLevel`,
  reached: requestsReached,
  orders: { LAST_MODIFIED_AT: 'last_modified_at' },
  usualOrder: 'LAST_MODIFIED_AT'
}

/** What hangs on a case. `lead` and `office` say which of it an Attendance Lead sees, and Office Support. */
const ON_CASE = {
  requests: { ...REQUESTS, order: 'submitted_at', lead: requestsReached, office: requestsReached },
  comments: {
    table: 'comment',
    columns: a => `${a}.id, ${a}.author_id AS authorId, ${a}.created_at AS createdAt, ${a}.visibility,
      ${told(a, 'body')}`,
    order: 'created_at',
    lead: shared,
    office: own('author_id')
  },
  events: {
    table: 'event',
    columns: a => `${a}.id, ${a}.kind, ${a}.occurs_at AS occursAt, ${a}.recorded_by_id AS recordedById,
      ${a}.description, ${told(a, 'subject')}`,
    order: 'occurs_at',
    lead: shared,
    office: shared
  },
  files: {
    table: 'file',
    columns: a => `${a}.id, ${a}.media_type AS mediaType, ${a}.size_bytes AS sizeBytes,
      ${a}.uploaded_by_id AS uploadedById, ${a}.uploaded_at AS uploadedAt, ${told(a, 'name')}`,
    order: 'uploaded_at',
    lead: shared,
    office: own('uploaded_by_id')
  }
}

/** A person's rows by key. */
const ROWS = {
  users: 'SELECT id, display_name AS displayName, email, phone FROM user_account WHERE id',
  organisations: 'SELECT id, number, name FROM organisation WHERE id',
  catchments: 'SELECT id, name FROM catchment WHERE id',
  students: `SELECT id, full_name AS fullName, known_as AS knownAs, year_level AS yearLevel,
    date_of_birth AS dateOfBirth, gender FROM student WHERE id`
}

/** Lists that hang on a student, by the student's key: the statement up to its keys, and the order. */
const LISTS = {
  ethnicities: [`SELECT e.student_id AS key, e.code, g.name FROM student_ethnicity e
    JOIN ethnic_group g ON g.code = e.code WHERE e.student_id`, 'e.student_id, e.position'],
  iwi: [`SELECT i.student_id AS key, i.code, n.name FROM student_iwi i
    JOIN iwi n ON n.code = i.code WHERE i.student_id`, 'i.student_id, i.code'],
  caregivers: ['SELECT student_id AS key, name, relationship, phone FROM caregiver WHERE student_id', 'student_id, id']
}

module.exports = { CASES, LISTS, ON_CASE, REQUESTS, ROWS }
