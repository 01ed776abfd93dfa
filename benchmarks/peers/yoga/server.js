'use strict'

/** GraphQL Yoga on node:http, its parser and validation caches on as they are by default, with graphql-jit. */

const { createServer } = require('node:http')
const { useGraphQlJit } = require('@envelop/graphql-jit')
const { createGraphQLError, createSchema, createYoga } = require('graphql-yoga')
const environment = require('../node_common/environment')
const { Identity } = require('../node_common/identity')
const { contextOf, ownerType, resolvers } = require('../node_common/resolvers')
const { typeDefs, visibleTo } = require('../node_common/schema')
const { Store } = require('../node_common/store')
const { run } = require('../node_common/workers')

async function start () {
  const store = new Store(environment.database)
  const identity = new Identity(environment, (subject, number) => store.person(subject, number))

  async function context ({ req }) {
    const { authorization, 'x-ascms-organisation': organisation } = req.headers
    try {
      return contextOf(store, await identity.viewer(authorization, organisation))
    } catch (error) {
      throw createGraphQLError(error.message, { extensions: { http: { status: error.status } } })
    }
  }

  const yoga = createYoga({
    schema: visibleTo(createSchema({
      typeDefs,
      resolvers: { ...resolvers, CaseOwner: { __resolveType: ownerType } }
    })),
    context,
    plugins: [useGraphQlJit()],
    graphiql: false,
    landingPage: false,
    logging: false
  })
  const server = createServer(yoga)
  await new Promise(resolve => server.listen(environment.port, '127.0.0.1', resolve))
  return async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    store.close()
  }
}

run(start, environment.workers)
