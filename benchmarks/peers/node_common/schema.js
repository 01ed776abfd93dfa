'use strict'

/** The schema, and what `@visibleTo` does: whoever holds none of its roles is given null. */

const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { defaultFieldResolver } = require('graphql')
const { MapperKind, getDirective, mapSchema } = require('@graphql-tools/utils')

const typeDefs = readFileSync(join(__dirname, 'schema.graphql'), 'utf8')

/** Wraps the resolver of each field that has the directive. */
function visibleTo (schema) {
  return mapSchema(schema, {
    [MapperKind.OBJECT_FIELD] (field) {
      const directive = getDirective(schema, field, 'visibleTo')?.[0]
      if (directive === undefined) {
        return field
      }
      const { roles } = directive
      const { resolve = defaultFieldResolver } = field
      field.resolve = (source, args, context, info) =>
        context.viewer.roles.some(role => roles.includes(role)) ? resolve(source, args, context, info) : null
      return field
    }
  })
}

module.exports = { typeDefs, visibleTo }
