'use strict'

/** Fastify and Mercurius, with graphql-jit from the first repetition of an operation on. */

const Fastify = require('fastify')
const mercurius = require('mercurius')
const environment = require('../node_common/environment')
const { Identity } = require('../node_common/identity')
const { contextOf, ownerType, resolvers } = require('../node_common/resolvers')
const { typeDefs, visibleTo } = require('../node_common/schema')
const { Store } = require('../node_common/store')
const { run } = require('../node_common/workers')

async function start () {
  const store = new Store(environment.database)
  const identity = new Identity(environment, (subject, number) => store.person(subject, number))
  const app = Fastify({ bodyLimit: 1_048_576 })

  app.decorateRequest('viewer', null)
  app.addHook('onRequest', async request => {
    const { authorization, 'x-ascms-organisation': organisation } = request.headers
    try {
      request.viewer = await identity.viewer(authorization, organisation)
    } catch (error) {
      error.statusCode = error.status
      throw error
    }
  })

  app.register(mercurius, {
    schema: typeDefs,
    resolvers: { ...resolvers, CaseOwner: { resolveType: ownerType } },
    schemaTransforms: [visibleTo],
    context: request => contextOf(store, request.viewer),
    jit: 1
  })

  await app.listen({ host: '127.0.0.1', port: environment.port })
  return async () => {
    await app.close()
    store.close()
  }
}

run(start, environment.workers)
