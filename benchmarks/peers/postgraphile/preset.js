'use strict'

/** PostGraphile's configuration. */

const { PgSimplifyInflectionPreset } = require('@graphile/simplify-inflection')
const { makePgService } = require('postgraphile/adaptors/pg')
const { PostGraphileAmberPreset } = require('postgraphile/presets/amber')
const { Instants, Portal } = require('./portal')

/** `database`: its URL. */
function preset (database) {
  return {
    extends: [PostGraphileAmberPreset, PgSimplifyInflectionPreset],
    plugins: [Portal, Instants],
    // Views have no indexes of their own, by which this plugin would choose what may be sorted by.
    disablePlugins: ['PgIndexBehaviorsPlugin'],
    pgServices: [makePgService({
      connectionString: database,
      schemas: ['portal'],
      pubsub: false,
      poolConfig: { options: '-c TimeZone=UTC' }
    })],
    schema: {
      // What is shown is named in portal.sql; there is no way in beside cases and requests.
      defaultBehavior:
        '-node -insert -update -delete -query:resource:connection -query:resource:list -query:resource:single ' +
        '-manyRelation:resource:connection -manyRelation:resource:list'
    },
    grafserv: { graphqlPath: '/graphql', graphiql: false, watch: false },
    grafast: {
      explain: false,
      context: ({ node }) => ({ viewer: node.req.viewer, pgSettings: node.req.viewer.settings })
    }
  }
}

module.exports = { preset }
