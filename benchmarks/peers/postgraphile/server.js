'use strict'

/** PostGraphile 5 on node:http. The token says who asks; the request's transaction takes that role and its settings. */

const { createServer } = require('node:http')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { Client, Pool } = require('pg')
const { postgraphile } = require('postgraphile')
const { grafserv } = require('postgraphile/grafserv/node')
const environment = require('../node_common/environment')
const { Identity } = require('../node_common/identity')
const { run } = require('../node_common/workers')
const { preset } = require('./preset')

/** The person with their roles at a school, and what each transaction of theirs is told; undefined for nobody. */
async function person (pool, subject, number) {
  const { rows } = await pool.query(`SELECT u.id AS "userId", o.id AS "organisationId", a.role
    FROM user_account u JOIN role_assignment a ON a.user_id = u.id AND a.ended_at IS NULL
    JOIN organisation o ON o.id = a.organisation_id
    WHERE u.subject = $1 AND o.number = $2 AND o.kind = 'SCHOOL' AND o.status = 'OPEN' AND a.approved_at IS NOT NULL
      AND a.role IN ('ATTENDANCE_LEAD', 'OFFICE_SUPPORT')
    ORDER BY a.role`, [subject, number])
  if (rows.length === 0) {
    return undefined
  }
  const [{ userId, organisationId }] = rows
  const roles = rows.map(row => row.role)
  const settings = {
    role: roles.includes('ATTENDANCE_LEAD') ? 'portal_lead' : 'portal_office',
    'portal.user_id': userId,
    'portal.organisation_id': organisationId
  }
  return { userId, organisationId, roles, settings }
}

async function start () {
  const pool = new Pool({ connectionString: environment.database, max: 2 })
  const identity = new Identity(environment, (subject, number) => person(pool, subject, number))
  const graphile = postgraphile(preset(environment.database))
  const handle = graphile.createServ(grafserv).createHandler()

  const server = createServer(async (req, res) => {
    const { authorization, 'x-ascms-organisation': organisation } = req.headers
    try {
      req.viewer = await identity.viewer(authorization, organisation)
    } catch (error) {
      res.writeHead(error.status ?? 500, { 'content-type': 'application/json' })
      res.end(JSON.stringify({ errors: [{ message: error.message }] }))
      return
    }
    handle(req, res)
  })
  await graphile.getSchema()
  await new Promise(resolve => server.listen(environment.port, '127.0.0.1', resolve))
  return async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await Promise.all([graphile.release(), pool.end()])
  }
}

/** Make the views anew, once before all workers. */
async function prepare () {
  const client = new Client({ connectionString: environment.database })
  await client.connect()
  await client.query(readFileSync(join(__dirname, 'portal.sql'), 'utf8'))
  await client.end()
}

run(start, environment.workers, prepare)
