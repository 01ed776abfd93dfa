-- What PostGraphile serves: views on the tables, in a schema of their own, for two database roles.
--
-- Its best practices advise against column grants for SELECT, so a hidden column is a CASE in the view, by the role
-- that the request has taken. Only cases and requests have root fields; all else is reached through these, and so its
-- rows need no more than their own condition.

DO $$ BEGIN CREATE ROLE portal_lead NOLOGIN; EXCEPTION WHEN duplicate_object THEN END $$;
DO $$ BEGIN CREATE ROLE portal_office NOLOGIN; EXCEPTION WHEN duplicate_object THEN END $$;

DROP SCHEMA IF EXISTS portal, portal_hidden CASCADE;
CREATE SCHEMA portal;
CREATE SCHEMA portal_hidden;

CREATE FUNCTION portal_hidden.me() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT current_setting('portal.user_id')::bigint $$;

CREATE FUNCTION portal_hidden.organisation() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT current_setting('portal.organisation_id')::bigint $$;

-- People and places ---------------------------------------------------------------------------------------------------

CREATE VIEW portal.users AS SELECT id, display_name, email, phone FROM user_account;
COMMENT ON VIEW portal.users IS '@primaryKey id';

CREATE VIEW portal.organisations AS SELECT id, number, name FROM organisation;
COMMENT ON VIEW portal.organisations IS '@primaryKey id';

CREATE VIEW portal.catchments AS SELECT id, name FROM catchment;
COMMENT ON VIEW portal.catchments IS '@primaryKey id';

CREATE VIEW portal.viewers AS
SELECT portal_hidden.me() AS user_id, portal_hidden.organisation() AS organisation_id;
COMMENT ON VIEW portal.viewers IS E'@primaryKey user_id
@foreignKey (user_id) references portal.users (id)
@foreignKey (organisation_id) references portal.organisations (id)|@fieldName actingFor';

CREATE FUNCTION portal.viewer() RETURNS portal.viewers LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT * FROM portal.viewers $$;

-- Students ------------------------------------------------------------------------------------------------------------

CREATE VIEW portal.students AS
SELECT id, full_name, known_as, year_level,
       CASE WHEN current_user = 'portal_lead' THEN date_of_birth END AS date_of_birth,
       CASE WHEN current_user = 'portal_lead' THEN gender END AS gender
FROM student;
COMMENT ON VIEW portal.students IS '@primaryKey id';

CREATE VIEW portal.ethnicities AS
SELECT e.id, e.student_id, e.position, e.code, g.name
FROM student_ethnicity e JOIN ethnic_group g ON g.code = e.code
WHERE current_user = 'portal_lead';
COMMENT ON VIEW portal.ethnicities IS E'@primaryKey id
@foreignKey (student_id) references portal.students (id)|@behavior +manyRelation:resource:list';

CREATE VIEW portal.iwi_affiliations AS
SELECT a.id, a.student_id, a.code, i.name
FROM student_iwi a JOIN iwi i ON i.code = a.code
WHERE current_user = 'portal_lead';
COMMENT ON VIEW portal.iwi_affiliations IS E'@primaryKey id
@foreignKey (student_id) references portal.students (id)|@behavior +manyRelation:resource:list';

CREATE VIEW portal.caregivers AS
SELECT id, student_id, name, relationship, phone
FROM caregiver
WHERE current_user = 'portal_lead';
COMMENT ON VIEW portal.caregivers IS E'@primaryKey id
@foreignKey (student_id) references portal.students (id)|@behavior +manyRelation:resource:list';

-- Cases and requests --------------------------------------------------------------------------------------------------

CREATE VIEW portal.cases AS
SELECT c.id, c.number, c.type, c.status, c.opened_at, c.version, c.student_id, c.school_id, c.catchment_id,
       c.primary_contact_id, c.case_manager_id,
       CASE WHEN c.case_manager_id IS NULL THEN c.provider_id END AS owning_provider_id,
       CASE WHEN current_user = 'portal_lead' THEN c.school_contact_notes END AS school_contact_notes
FROM case_record c
WHERE c.school_id = portal_hidden.organisation() AND c.active
  AND NOT EXISTS (SELECT FROM access_block b
                  WHERE b.student_id = c.student_id AND b.user_id = portal_hidden.me() AND b.lifted_at IS NULL);
COMMENT ON VIEW portal.cases IS E'@behavior +query:resource:connection +query:resource:single
@primaryKey id
@unique number
@foreignKey (student_id) references portal.students (id)
@foreignKey (school_id) references portal.organisations (id)
@foreignKey (catchment_id) references portal.catchments (id)
@foreignKey (primary_contact_id) references portal.users (id)
@foreignKey (case_manager_id) references portal.users (id)
@foreignKey (owning_provider_id) references portal.organisations (id)';

CREATE VIEW portal.requests AS
SELECT r.id, r.reference, r.number, r.type, r.status, r.case_id, r.school_id, r.created_by_id, r.primary_contact_id,
       r.last_modified_at, r.submitted_at, r.applied_for_full_name,
       r.status <> 'DRAFT' AND EXISTS (
         SELECT FROM case_record c
         WHERE c.id = r.case_id AND c.status IN ('PROVIDER_QUEUE', 'TRANSITION')) AS case_queued,
       r.status <> 'DRAFT' AND EXISTS (SELECT FROM notice_given n WHERE n.request_id = r.id) AS notice_given
FROM request r
WHERE r.school_id = portal_hidden.organisation()
  AND (r.student_id IS NULL OR EXISTS (SELECT FROM student s
                                       WHERE s.id = r.student_id AND s.school_id = portal_hidden.organisation()))
  AND NOT EXISTS (SELECT FROM access_block b
                  WHERE b.student_id = r.student_id AND b.user_id = portal_hidden.me() AND b.lifted_at IS NULL);
COMMENT ON VIEW portal.requests IS E'@behavior +query:resource:connection
@primaryKey id
@foreignKey (case_id) references portal.cases (id)|@behavior +manyRelation:resource:connection
@foreignKey (school_id) references portal.organisations (id)
@foreignKey (created_by_id) references portal.users (id)
@foreignKey (primary_contact_id) references portal.users (id)';

CREATE FUNCTION portal.cases_opened(statuses text[], since timestamptz) RETURNS SETOF portal.cases
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT * FROM portal.cases c WHERE c.status = ANY (statuses) AND c.opened_at >= since $$;

-- What is done on a case ----------------------------------------------------------------------------------------------

CREATE VIEW portal.comments AS
SELECT i.id, i.case_id, i.author_id, i.created_at, i.visibility,
       CASE WHEN i.in_error_at IS NULL THEN i.body ELSE 'Entered in error: ' || i.body END AS body
FROM comment i
WHERE (i.organisation_id = (SELECT portal_hidden.organisation())
       OR i.shared_with_school_id = (SELECT portal_hidden.organisation()))
  AND (current_user = 'portal_lead'
       OR i.organisation_id = (SELECT portal_hidden.organisation()) AND i.author_id = (SELECT portal_hidden.me()));
COMMENT ON VIEW portal.comments IS E'@primaryKey id
@foreignKey (case_id) references portal.cases (id)|@behavior +manyRelation:resource:connection
@foreignKey (author_id) references portal.users (id)';

CREATE VIEW portal.events AS
SELECT i.id, i.case_id, i.kind, i.occurs_at, i.recorded_by_id,
       CASE WHEN current_user = 'portal_lead' THEN
         CASE WHEN i.in_error_at IS NULL THEN i.subject ELSE 'Entered in error: ' || i.subject END END AS subject,
       CASE WHEN current_user = 'portal_lead' THEN i.description END AS description
FROM event i
WHERE i.organisation_id = (SELECT portal_hidden.organisation())
   OR i.shared_with_school_id = (SELECT portal_hidden.organisation());
COMMENT ON VIEW portal.events IS E'@primaryKey id
@foreignKey (case_id) references portal.cases (id)|@behavior +manyRelation:resource:connection
@foreignKey (recorded_by_id) references portal.users (id)';

CREATE VIEW portal.files AS
SELECT i.id, i.case_id, i.media_type, i.size_bytes::int AS size_bytes, i.uploaded_by_id, i.uploaded_at,
       CASE WHEN i.in_error_at IS NULL THEN i.name ELSE 'Entered in error: ' || i.name END AS name
FROM file i
WHERE (i.organisation_id = (SELECT portal_hidden.organisation())
       OR i.shared_with_school_id = (SELECT portal_hidden.organisation()))
  AND (current_user = 'portal_lead'
       OR i.organisation_id = (SELECT portal_hidden.organisation()) AND i.uploaded_by_id = (SELECT portal_hidden.me()));
COMMENT ON VIEW portal.files IS E'@primaryKey id
@foreignKey (case_id) references portal.cases (id)|@behavior +manyRelation:resource:connection
@foreignKey (uploaded_by_id) references portal.users (id)';

-- Runs as its owner: nobody else writes the tables. The case's view has the scope, by the request's settings.
CREATE FUNCTION portal.add_comment(number text, body text) RETURNS portal.comments
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
  added portal.comments;
BEGIN
  IF trim(body) = '' OR length(trim(body)) > 10000 THEN
    RAISE 'A comment has 1 to 10,000 characters.' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO comment (case_id, author_id, organisation_id, body, visibility, shared_with_school_id, created_at)
  SELECT c.id, portal_hidden.me(), portal_hidden.organisation(), trim(add_comment.body), 'SHARED',
         portal_hidden.organisation(), now()
  FROM portal.cases c WHERE c.number = add_comment.number
  RETURNING id, case_id, author_id, created_at, visibility, comment.body INTO added;
  IF added.id IS NULL THEN
    RAISE 'There is no such case for you; check number.' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN added;
END $$;

GRANT USAGE ON SCHEMA portal, portal_hidden TO portal_lead, portal_office;
GRANT SELECT ON ALL TABLES IN SCHEMA portal TO portal_lead, portal_office;
REVOKE EXECUTE ON FUNCTION portal.add_comment FROM PUBLIC;
GRANT EXECUTE ON FUNCTION portal.add_comment TO portal_lead, portal_office;
