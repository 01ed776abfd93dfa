'use strict'

/**
 * What is not read from tables as it is: who asks, the catalogue, what the viewer may do to a case or request, global
 * identifiers, and instants as the API tells them.
 */

const { constant, context, lambda } = require('postgraphile/grafast')
const { extendSchema, gql } = require('postgraphile/utils')
const { onCase, onRequest } = require('../node_common/allowances')

const SERVICES = [{
  name: 'Chronic Absence request for support',
  summary: 'Request support for a student with ongoing attendance issues'
}]

/** The plan of a global identifier: the type's name and the row's key. */
const globalId = type => $row =>
  lambda($row.get('id'), id => Buffer.from(`${type}:${id}`).toString('base64url'), true)

const $viewer = () => context().get('viewer')

const Portal = extendSchema({
  typeDefs: gql`
    extend type Query {
      services: [Service!]
    }
    extend type Viewer {
      roles: [String!]!
    }
    type Service {
      name: String!
      summary: String!
    }
    type Allowance {
      action: String!
      allowed: Boolean!
      reason: String
    }
    extend type Case {
      id: ID!
      viewerCan: [Allowance!]
    }
    extend type Request {
      viewerCan: [Allowance!]
    }
    extend type Comment {
      id: ID!
    }
    extend type Event {
      id: ID!
    }
    extend type File {
      id: ID!
    }
  `,
  objects: {
    Query: {
      plans: {
        services: () => constant(SERVICES)
      }
    },
    Viewer: {
      plans: {
        roles: () => $viewer().get('roles')
      }
    },
    Case: {
      plans: {
        id: globalId('Case'),
        viewerCan: $case => lambda(
          [$viewer(), $case.get('status')], ([viewer, status]) => onCase(viewer, { status }), true
        )
      }
    },
    Request: {
      plans: {
        viewerCan: $request => lambda(
          [$viewer(), ...FACTS.map(name => $request.get(name))],
          ([viewer, ...facts]) => requestAllowances(viewer, facts),
          true
        )
      }
    },
    Comment: { plans: { id: globalId('Comment') } },
    Event: { plans: { id: globalId('Event') } },
    File: { plans: { id: globalId('File') } }
  }
})

const FACTS = ['status', 'created_by_id', 'primary_contact_id', 'submitted_at', 'case_queued', 'notice_given']

function requestAllowances (viewer, [status, createdById, primaryContactId, submittedAt, caseQueued, noticeGiven]) {
  return onRequest(viewer, { status, createdById, primaryContactId, submittedAt }, () => ({ caseQueued, noticeGiven }))
}

/** `2026-05-06T09:47:00.000000+00:00`, as PostgreSQL is asked for it, as RFC 3339 in UTC without idle digits. */
function instant (text) {
  return `${text.slice(0, 19)}${text.startsWith('.000000', 19) ? '' : text.slice(19, 26)}Z`
}

const Instants = {
  name: 'Instants',
  schema: {
    hooks: {
      GraphQLScalarType: (config, build) => config.name === 'Datetime' ? { ...config, serialize: instant } : config
    }
  }
}

module.exports = { Instants, Portal }
