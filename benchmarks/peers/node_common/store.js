'use strict'

/**
 * The database, by prepared statements on better-sqlite3. A statement is compiled once and kept by its text; what
 * varies in number is given as one JSON array, so that the texts stay few.
 */

const Database = require('better-sqlite3')
const { CASES, LISTS, ON_CASE, REQUESTS, ROWS } = require('./tables')

const LEAD = 'ATTENDANCE_LEAD'
const OPERATORS = { eq: 'IS', gt: '>', gte: '>=', lt: '<', lte: '<=' }
const COLUMNS = { openedAt: 'opened_at' }
const AMONG = name => `IN (SELECT value FROM json_each(${name}))`

class Store {
  constructor (path) {
    this.database = new Database(path)
    this.database.pragma('journal_mode = WAL')
    this.database.pragma('synchronous = FULL')
    this.database.pragma('foreign_keys = ON')
    this.statements = new Map()
    this.listed = new Map()
    this.adding = this.database.transaction((viewer, number, body) => this.insertComment(viewer, number, body))
  }

  /** The prepared statement with this text. */
  statement (text) {
    return remembered(this.statements, text, () => this.database.prepare(text))
  }

  close () {
    this.database.close()
  }

  /** The person with their roles in effect at a school; undefined where there is none. */
  person (subject, number) {
    const rows = this.statement(`SELECT u.id AS userId, o.id AS organisationId, a.role
      FROM user_account u JOIN role_assignment a ON a.user_id = u.id AND a.ended_at IS NULL
      JOIN organisation o ON o.id = a.organisation_id
      WHERE u.subject = ? AND o.number = ? AND o.kind = 'SCHOOL' AND o.status = 'OPEN' AND a.approved_at IS NOT NULL
        AND a.role IN ('ATTENDANCE_LEAD', 'OFFICE_SUPPORT')
      ORDER BY a.role`).all(subject, number)
    if (rows.length === 0) {
      return undefined
    }
    const [{ userId, organisationId }] = rows
    return { userId, organisationId, roles: rows.map(row => row.role) }
  }

  // Lists of the school --------------------------------------------------------------------------------------

  cases (viewer, asked) {
    return this.list(CASES, viewer, asked)
  }

  requests (viewer, asked) {
    return this.list(REQUESTS, viewer, asked)
  }

  /** A list of which rows and size may be asked for, each by its own statement. */
  list ({ table, columns, reached, orders, usualOrder }, { userId, organisationId }, { where, orderBy }) {
    const given = { userId, organisationId }
    const from = `FROM ${table} t WHERE ${[reached('t'), ...filters(where, given)].join(' AND ')}`
    const ordered = order(orderBy?.length > 0 ? orderBy : [{ field: usualOrder, direction: 'DESC' }], orders)
    return {
      rows: limit =>
        this.statement(`SELECT ${columns('t')} ${from} ORDER BY ${ordered} LIMIT @limit`).all({ ...given, limit }),
      count: () => this.statement(`SELECT count(*) ${from}`).pluck().get(given)
    }
  }

  // Lists that hang on cases ---------------------------------------------------------------------------------

  /** The first so many of a kind of each case, as lists in the order of the cases. */
  firstOnCases (kind, viewer, caseIds, limit, direction) {
    const { userId, organisationId } = viewer
    const { ofOne, ofSeveral } = this.listing(kind, viewer, direction)
    if (caseIds.length === 1) {
      return [ofOne.all({ userId, organisationId, limit, caseId: caseIds[0] })]
    }
    const rows = ofSeveral.all({ userId, organisationId, limit, caseIds: JSON.stringify(caseIds) })
    const lists = grouped(rows)
    return caseIds.map(id => lists.get(id) ?? [])
  }

  /** How many of a kind each case has, in the order of the cases. */
  countOnCases (kind, viewer, caseIds) {
    const { userId, organisationId } = viewer
    const rows = this.listing(kind, viewer, 'DESC').counts
      .all({ userId, organisationId, caseIds: JSON.stringify(caseIds) })
    const sizes = new Map(rows.map(({ key, size }) => [key, size]))
    return caseIds.map(id => sizes.get(id) ?? 0)
  }

  /** The statements of a kind of list, as the viewer's roles see it. */
  listing (kind, viewer, direction) {
    const audience = viewer.roles.includes(LEAD) ? 'lead' : 'office'
    return remembered(this.listed, `${kind} ${audience} ${direction}`, () => {
      const { table, columns, order: by, [audience]: seen } = ON_CASE[kind]
      const ordered = alias => `${alias}.${by} ${direction}, ${alias}.id ${direction}`
      return {
        ofOne: this.statement(`SELECT ${columns('t')} FROM ${table} t
          WHERE t.case_id = @caseId AND ${seen('t')} ORDER BY ${ordered('t')} LIMIT @limit`),
        ofSeveral: this.statement(`SELECT t.case_id AS key, ${columns('t')} FROM json_each(@caseIds) k
          CROSS JOIN ${table} t ON t.id IN (SELECT u.id FROM ${table} u
            WHERE u.case_id = k.value AND ${seen('u')} ORDER BY ${ordered('u')} LIMIT @limit)
          ORDER BY k.key, ${ordered('t')}`),
        counts: this.statement(`SELECT t.case_id AS key, count(*) AS size FROM ${table} t
          WHERE t.case_id ${AMONG('@caseIds')} AND ${seen('t')} GROUP BY t.case_id`)
      }
    })
  }

  // Rows by key ----------------------------------------------------------------------------------------------

  /** The rows of these keys, in the keys' order; `kind` is one of `tables.ROWS`. */
  rows (kind, ids) {
    const found = this.among(ROWS[kind], ids)
    const rows = new Map(found.map(row => [row.id, row]))
    return ids.map(id => rows.get(id))
  }

  /** The lists of these students, in their order; `kind` is one of `tables.LISTS`. */
  lists (kind, studentIds) {
    const [text, ordered] = LISTS[kind]
    const lists = grouped(this.among(text, studentIds, `ORDER BY ${ordered}`))
    return studentIds.map(id => lists.get(id) ?? [])
  }

  among (text, keys, ordered = '') {
    return this.statement(`${text} ${AMONG('?')} ${ordered}`).all(JSON.stringify(keys))
  }

  caseByNumber (viewer, number) {
    const { userId, organisationId } = viewer
    return this.statement(`SELECT ${CASES.columns('t')} FROM case_record t
      WHERE (t.number = @number OR t.id = (SELECT d.merged_into_id FROM case_record d WHERE d.number = @number))
        AND ${CASES.reached('t')} ORDER BY t.merged_into_id IS NOT NULL LIMIT 1`)
      .get({ userId, organisationId, number })
  }

  /** What an allowance on a request asks of other tables. */
  requestFacts ({ id, caseId }) {
    return this.statement(`SELECT
      EXISTS (SELECT 1 FROM case_record c
        WHERE c.id = @caseId AND c.status IN ('PROVIDER_QUEUE', 'TRANSITION')) AS caseQueued,
      EXISTS (SELECT 1 FROM notice_given n WHERE n.request_id = @id) AS noticeGiven`).get({ id, caseId })
  }

  // Writing --------------------------------------------------------------------------------------------------

  /** Add a school's comment: `{ row, comment }`, its case's and its own; empty where the viewer reaches none. */
  addComment (viewer, number, body) {
    return this.adding.immediate(viewer, number, body)
  }

  insertComment (viewer, number, body) {
    const row = this.caseByNumber(viewer, number)
    if (row === undefined) {
      return {}
    }
    const given = { userId: viewer.userId, organisationId: viewer.organisationId }
    const comment = this.statement(`INSERT INTO comment
      (case_id, author_id, organisation_id, body, visibility, shared_with_school_id, created_at)
      VALUES (@caseId, @userId, @organisationId, @body, 'SHARED', @organisationId, @now)
      RETURNING id, author_id AS authorId, created_at AS createdAt, visibility, body`)
      .get({ ...given, caseId: row.id, body, now: kept(new Date()) })
    return { row, comment }
  }
}

function remembered (map, key, make) {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

/** Rows by their `key`. */
function grouped (rows) {
  const lists = new Map()
  for (const row of rows) {
    const list = lists.get(row.key)
    if (list === undefined) {
      lists.set(row.key, [row])
    } else {
      list.push(row)
    }
  }
  return lists
}

/** A value as the tables keep it: instants in UTC, with microseconds. */
function kept (value) {
  return value instanceof Date ? value.toISOString().replace('T', ' ').replace('Z', '000') : value
}

/** The conditions of a filter; its values are added to `given`. */
function filters (where, given) {
  const conditions = []
  for (const [member, asked] of Object.entries(where ?? {})) {
    for (const [operator, value] of Object.entries(asked ?? {})) {
      const name = `${member}_${operator}`
      const test = operator === 'in' ? AMONG(`@${name}`) : `${OPERATORS[operator]} @${name}`
      conditions.push(`t.${COLUMNS[member] ?? member} ${test}`)
      given[name] = operator === 'in' ? JSON.stringify(value.map(kept)) : kept(value)
    }
  }
  return conditions
}

/** A total order: what is asked for, then the row's key, the way the last of them runs. */
function order (orderBy, columns) {
  const keys = orderBy.map(({ field, direction }) => `t.${columns[field]} ${direction}`)
  return [...keys, `t.id ${orderBy.at(-1).direction}`].join(', ')
}

module.exports = { Store }
