-- From staging tables of text, `staged_<file>`, into the planner, in the transaction at hand. The id of a row is made of
-- its table and its key, so that a row that comes again is known again. Rows that are as they were are not written.

-- part: transform
CREATE TEMPORARY TABLE new_schools ON COMMIT DROP AS
SELECT md5('schools|' || "sourcedId")::uuid AS id, name, nullif(identifier, '') AS code, "sourcedId" AS external_id
FROM staged_orgs WHERE type = 'school';

CREATE TEMPORARY TABLE new_school_years ON COMMIT DROP AS
SELECT md5('school_years|' || "sourcedId")::uuid AS id, title, "startDate"::date AS starts_on, "endDate"::date AS ends_on,
    "sourcedId" AS external_id
FROM "staged_academicSessions" WHERE type = 'schoolYear';

CREATE TEMPORARY TABLE new_teachers ON COMMIT DROP AS
SELECT md5('teachers|' || "sourcedId")::uuid AS id, md5('schools|' || "orgSourcedIds")::uuid AS school_id,
    "givenName" AS given_name, "familyName" AS family_name, nullif(email, '') AS email, nullif(identifier, '') AS number,
    "enabledUser"::boolean AS can_sign_in, "sourcedId" AS external_id
FROM staged_users WHERE role = 'teacher';

CREATE TEMPORARY TABLE new_teacher_years ON COMMIT DROP AS
SELECT md5('teacher_years|' || t.external_id || '|' || y.external_id)::uuid AS id, t.id AS teacher_id, y.id AS school_year_id
FROM new_teachers t CROSS JOIN new_school_years y;

CREATE TEMPORARY TABLE new_classes ON COMMIT DROP AS
SELECT md5('classes|' || c."sourcedId")::uuid AS id, md5('schools|' || c."schoolSourcedId")::uuid AS school_id,
    md5('school_years|' || s."parentSourcedId")::uuid AS school_year_id, c.title, nullif(c."classCode", '') AS code,
    nullif(c.grades, '') AS grade, nullif(c.periods, '') AS period, nullif(c.location, '') AS room,
    c."sourcedId" AS external_id
FROM staged_classes c JOIN "staged_academicSessions" s ON s."sourcedId" = split_part(c."termSourcedIds", ',', 1);

CREATE TEMPORARY TABLE new_students ON COMMIT DROP AS
SELECT md5('students|' || "sourcedId")::uuid AS id, md5('schools|' || "orgSourcedIds")::uuid AS school_id,
    "givenName" AS given_name, "familyName" AS family_name, nullif(grades, '') AS grade, nullif(identifier, '') AS number,
    "sourcedId" AS external_id
FROM staged_users WHERE role = 'student';

ANALYZE new_teachers, new_classes, new_students;

-- Looking up the ids of classes and people is quicker than making them once more for each member.
CREATE TEMPORARY TABLE new_class_members ON COMMIT DROP AS
SELECT md5('class_members|' || e."sourcedId")::uuid AS id, c.id AS class_id, s.id AS student_id, t.id AS teacher_id,
    CASE e.role WHEN 'teacher' THEN e."primary"::boolean END AS is_lead,
    nullif(e."beginDate", '')::date AS begins_on, nullif(e."endDate", '')::date AS ends_on
FROM staged_enrollments e JOIN new_classes c ON c.external_id = e."classSourcedId"
    LEFT JOIN new_students s ON s.external_id = e."userSourcedId" AND e.role = 'student'
    LEFT JOIN new_teachers t ON t.external_id = e."userSourcedId" AND e.role = 'teacher';

ANALYZE new_class_members;

-- part: delete
DELETE FROM class_members t WHERE t.managed_by = 'bench' AND NOT EXISTS (SELECT FROM new_class_members n WHERE n.id = t.id);
DELETE FROM teacher_years t WHERE t.managed_by = 'bench' AND NOT EXISTS (SELECT FROM new_teacher_years n WHERE n.id = t.id);
DELETE FROM classes t WHERE t.managed_by = 'bench' AND NOT EXISTS (SELECT FROM new_classes n WHERE n.id = t.id);
DELETE FROM students t WHERE t.managed_by = 'bench' AND NOT EXISTS (SELECT FROM new_students n WHERE n.id = t.id);
DELETE FROM teachers t WHERE t.managed_by = 'bench' AND NOT EXISTS (SELECT FROM new_teachers n WHERE n.id = t.id);

-- part: upsert
INSERT INTO schools AS t (id, name, code, managed_by, external_id)
SELECT n.id, n.name, n.code, 'bench', n.external_id FROM new_schools n LEFT JOIN schools o ON o.id = n.id
WHERE (o.name, o.code, o.archived_at) IS DISTINCT FROM (n.name, n.code, NULL::timestamptz)
ON CONFLICT (id) DO UPDATE SET (name, code, archived_at) = (excluded.name, excluded.code, NULL);

INSERT INTO school_years AS t (id, title, starts_on, ends_on, managed_by, external_id)
SELECT n.id, n.title, n.starts_on, n.ends_on, 'bench', n.external_id
FROM new_school_years n LEFT JOIN school_years o ON o.id = n.id
WHERE (o.title, o.starts_on, o.ends_on, o.archived_at) IS DISTINCT FROM (n.title, n.starts_on, n.ends_on, NULL::timestamptz)
ON CONFLICT (id) DO UPDATE SET (title, starts_on, ends_on, archived_at)
    = (excluded.title, excluded.starts_on, excluded.ends_on, NULL);

INSERT INTO teachers AS t (id, school_id, given_name, family_name, email, number, can_sign_in, managed_by, external_id)
SELECT n.id, n.school_id, n.given_name, n.family_name, n.email, n.number, n.can_sign_in, 'bench', n.external_id
FROM new_teachers n LEFT JOIN teachers o ON o.id = n.id
WHERE (o.school_id, o.given_name, o.family_name, o.email, o.number, o.can_sign_in, o.archived_at) IS DISTINCT FROM
    (n.school_id, n.given_name, n.family_name, n.email, n.number, n.can_sign_in, NULL::timestamptz)
ORDER BY n.id
ON CONFLICT (id) DO UPDATE SET (school_id, given_name, family_name, email, number, can_sign_in, archived_at)
    = (excluded.school_id, excluded.given_name, excluded.family_name, excluded.email, excluded.number,
       excluded.can_sign_in, NULL);

INSERT INTO teacher_years AS t (id, teacher_id, school_year_id, managed_by)
SELECT n.id, n.teacher_id, n.school_year_id, 'bench' FROM new_teacher_years n LEFT JOIN teacher_years o ON o.id = n.id
WHERE (o.teacher_id, o.school_year_id, o.archived_at) IS DISTINCT FROM (n.teacher_id, n.school_year_id, NULL::timestamptz)
ORDER BY n.id
ON CONFLICT (id) DO UPDATE SET (teacher_id, school_year_id, archived_at)
    = (excluded.teacher_id, excluded.school_year_id, NULL);

INSERT INTO classes AS t (id, school_id, school_year_id, title, code, grade, period, room, managed_by, external_id)
SELECT n.id, n.school_id, n.school_year_id, n.title, n.code, n.grade, n.period, n.room, 'bench', n.external_id
FROM new_classes n LEFT JOIN classes o ON o.id = n.id
WHERE (o.school_id, o.school_year_id, o.title, o.code, o.grade, o.period, o.room, o.archived_at) IS DISTINCT FROM
    (n.school_id, n.school_year_id, n.title, n.code, n.grade, n.period, n.room, NULL::timestamptz)
ORDER BY n.id
ON CONFLICT (id) DO UPDATE SET (school_id, school_year_id, title, code, grade, period, room, archived_at)
    = (excluded.school_id, excluded.school_year_id, excluded.title, excluded.code, excluded.grade, excluded.period,
       excluded.room, NULL);

INSERT INTO students AS t (id, school_id, given_name, family_name, grade, number, managed_by, external_id)
SELECT n.id, n.school_id, n.given_name, n.family_name, n.grade, n.number, 'bench', n.external_id
FROM new_students n LEFT JOIN students o ON o.id = n.id
WHERE (o.school_id, o.given_name, o.family_name, o.grade, o.number, o.archived_at) IS DISTINCT FROM
    (n.school_id, n.given_name, n.family_name, n.grade, n.number, NULL::timestamptz)
ORDER BY n.id
ON CONFLICT (id) DO UPDATE SET (school_id, given_name, family_name, grade, number, archived_at)
    = (excluded.school_id, excluded.given_name, excluded.family_name, excluded.grade, excluded.number, NULL);

INSERT INTO class_members AS t (id, class_id, student_id, teacher_id, is_lead, begins_on, ends_on, managed_by)
SELECT n.id, n.class_id, n.student_id, n.teacher_id, n.is_lead, n.begins_on, n.ends_on, 'bench'
FROM new_class_members n LEFT JOIN class_members o ON o.id = n.id
WHERE (o.class_id, o.student_id, o.teacher_id, o.is_lead, o.begins_on, o.ends_on, o.archived_at) IS DISTINCT FROM
    (n.class_id, n.student_id, n.teacher_id, n.is_lead, n.begins_on, n.ends_on, NULL::timestamptz)
ORDER BY n.id
ON CONFLICT (id) DO UPDATE SET (class_id, student_id, teacher_id, is_lead, begins_on, ends_on, archived_at)
    = (excluded.class_id, excluded.student_id, excluded.teacher_id, excluded.is_lead, excluded.begins_on,
       excluded.ends_on, NULL);
