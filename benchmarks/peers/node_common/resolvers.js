'use strict'

/** The resolvers of both contenders on SQLite. `contextOf` gives what they find in their context. */

const { GraphQLError, Kind } = require('graphql')
const { onCase, onRequest } = require('./allowances')
const { Batches } = require('./batches')

const SERVICES = [{
  name: 'Chronic Absence request for support',
  summary: 'Request support for a student with ongoing attendance issues'
}]
const USUAL_SIZE = 20
const LARGEST_SIZE = 100
const LONGEST = 10_000

// Scalars ----------------------------------------------------------------------------------------------------

/** RFC 3339 of an instant as the tables keep it, `2026-05-06 09:47:00.000000`. */
function instant (kept) {
  const time = `${kept.slice(0, 10)}T${kept.slice(11)}`
  return time.endsWith('.000000') ? `${time.slice(0, -7)}Z` : `${time}Z`
}

function parseInstant (text) {
  const parsed = new Date(text)
  if (typeof text !== 'string' || !/(Z|[+-]\d\d:\d\d)$/i.test(text) || Number.isNaN(parsed.getTime())) {
    throw new GraphQLError(`${JSON.stringify(text)} is no instant: give RFC 3339 with an offset`)
  }
  return parsed
}

const DateTime = {
  serialize: instant,
  parseValue: parseInstant,
  parseLiteral: node => parseInstant(node.kind === Kind.STRING ? node.value : undefined)
}

// Connections ------------------------------------------------------------------------------------------------

function pageSize (first = USUAL_SIZE) {
  if (first < 0 || first > LARGEST_SIZE) {
    throw new GraphQLError(`first is ${first}; give 0 to ${LARGEST_SIZE}, and page through the rest`)
  }
  return first
}

/** A page of a list of the school: rows and size are read where they are asked for, one row more than is shown. */
class Page {
  constructor (list, first) {
    this.list = list
    this.size = pageSize(first)
    this.read = undefined
  }

  rows () {
    this.read ??= this.list.rows(this.size + 1)
    return this.read
  }

  count () {
    return this.list.count()
  }
}

/** A page of what hangs on a case; batched with those of the level's other cases. */
class PageOnCase {
  constructor (kind, caseId, { first, orderBy }, batches) {
    this.kind = kind
    this.caseId = caseId
    this.size = pageSize(first)
    this.direction = orderBy?.[0]?.direction ?? 'DESC'
    this.batches = batches
  }

  rows () {
    return this.batches.firstOnCase(this.kind, this.caseId, this.size + 1, this.direction)
  }

  count () {
    return this.batches.countOnCase(this.kind, this.caseId)
  }
}

const shown = (rows, size) => rows.length > size ? rows.slice(0, size) : rows

function pageInfo (rows, size) {
  const last = shown(rows, size).at(-1)
  return { hasNextPage: rows.length > size, endCursor: last === undefined ? null : identifier('cursor', last.id) }
}

/** Rows of the school are there at once, rows on cases when their batch is read. */
const once = (rows, then) => rows instanceof Promise ? rows.then(then) : then(rows)

const connection = {
  nodes: page => once(page.rows(), rows => shown(rows, page.size)),
  pageInfo: page => once(page.rows(), rows => pageInfo(rows, page.size)),
  totalCount: page => page.count()
}

const onCases = kind => ({ id }, args, { batches }) => new PageOnCase(kind, id, args, batches)

// Identifiers ------------------------------------------------------------------------------------------------

const identifier = (type, key) => Buffer.from(`${type}:${key}`).toString('base64url')

/** The resolver of a global identifier: the type's name and the row's key. */
const globalId = type => ({ id }) => identifier(type, id)

// Related rows -----------------------------------------------------------------------------------------------

/** The row of `kind` that the parent's `key` names. */
const one = (kind, key) => (parent, _, { batches }) => batches.row(kind, parent[key])

/** The list of `kind` of a student. */
const many = kind => ({ id }, _, { batches }) => batches.list(kind, id)

// The mutation -----------------------------------------------------------------------------------------------

const problem = (code, message, member) => ({ code, message, path: ['input', member] })

/** What is wrong with a comment before anything is done. */
function wrongWith (body, visibility) {
  const problems = []
  const length = [...body].length
  if (length === 0) {
    problems.push(problem('INVALID', 'It is empty; write what there is to say.', 'body'))
  }
  if (length > LONGEST) {
    const [given, most] = [length, LONGEST].map(number => number.toLocaleString('en'))
    problems.push(problem('INVALID', `It has ${given} characters; ${most} at most are kept.`, 'body'))
  }
  if (visibility === 'INTERNAL') {
    problems.push(problem(
      'INVALID', 'What a school adds is always shared; leave visibility out, or give SHARED.', 'visibility'
    ))
  }
  return problems
}

function addComment (_, { input }, { store, viewer }) {
  const body = input.body.trim()
  const problems = wrongWith(body, input.visibility)
  if (problems.length > 0) {
    return { comment: null, case: store.caseByNumber(viewer, input.number), problems }
  }
  const { row, comment } = store.addComment(viewer, input.number, body)
  if (row === undefined) {
    const notFound = problem('NOT_FOUND', 'There is no such case for you; check number.', 'number')
    return { comment: null, case: null, problems: [notFound] }
  }
  return { comment, case: row, problems }
}

const resolvers = {
  DateTime,
  Query: {
    viewer: (_, __, { viewer }) => viewer,
    services: () => SERVICES,
    case: (_, { number }, { store, viewer }) => store.caseByNumber(viewer, number),
    cases: (_, args, { store, viewer }) => new Page(store.cases(viewer, args), args.first),
    requests: (_, args, { store, viewer }) => new Page(store.requests(viewer, args), args.first)
  },
  Mutation: { addComment },
  Viewer: { user: one('users', 'userId'), actingFor: one('organisations', 'organisationId') },
  Case: {
    id: globalId('Case'),
    student: one('students', 'studentId'),
    school: one('organisations', 'schoolId'),
    catchment: one('catchments', 'catchmentId'),
    primaryContact: one('users', 'primaryContactId'),
    owner: ({ caseManagerId, providerId }, _, { batches }) =>
      caseManagerId === null ? batches.row('organisations', providerId) : batches.row('users', caseManagerId),
    requests: onCases('requests'),
    comments: onCases('comments'),
    events: onCases('events'),
    files: onCases('files'),
    viewerCan: (row, _, { viewer }) => onCase(viewer, row)
  },
  Student: { ethnicities: many('ethnicities'), iwi: many('iwi'), caregivers: many('caregivers') },
  Request: {
    id: globalId('Request'),
    appliedFor: row => row.fullName === null ? null : row,
    school: one('organisations', 'schoolId'),
    createdBy: one('users', 'createdById'),
    primaryContact: one('users', 'primaryContactId'),
    viewerCan: (row, _, { store, viewer }) => onRequest(viewer, row, () => store.requestFacts(row))
  },
  Comment: { id: globalId('Comment'), author: one('users', 'authorId') },
  Event: { id: globalId('Event'), recordedBy: one('users', 'recordedById') },
  File: { id: globalId('File'), uploadedBy: one('users', 'uploadedById') },
  User: { id: globalId('User') },
  Organisation: { id: globalId('Organisation') },
  CaseConnection: connection,
  RequestConnection: connection,
  CommentConnection: connection,
  EventConnection: connection,
  FileConnection: connection
}

/** The context of a request. */
function contextOf (store, viewer) {
  return { store, viewer, batches: new Batches(store, viewer) }
}

/** Which type of the union CaseOwner a row is; each library takes it by another name. */
function ownerType (owner) {
  return 'displayName' in owner ? 'User' : 'Organisation'
}

module.exports = { contextOf, ownerType, resolvers }
