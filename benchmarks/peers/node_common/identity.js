'use strict'

/**
 * Who asks: the bearer token is verified by jose against the issuer's published keys. The verified token is kept with
 * the person and their roles until it expires, so that of a known token nothing is read again.
 */

const { createLocalJWKSet, jwtVerify } = require('jose')

class Refused extends Error {
  constructor (status, message) {
    super(message)
    this.status = status
  }
}

const KEPT = 10_000

class Identity {
  /** `find(subject, number)` gives, or promises, `{ userId, organisationId, roles }`, or undefined for nobody. */
  constructor ({ jwks, issuer, audience }, find) {
    this.keys = createLocalJWKSet(jwks)
    this.expected = { issuer, audience, algorithms: ['RS256', 'ES256', 'EdDSA'], requiredClaims: ['exp', 'sub'] }
    this.find = find
    this.known = new Map()
  }

  /** The viewer; at once where the token is known, else as a promise. Throws Refused with the HTTP status. */
  viewer (authorization, organisation) {
    const known = this.known.get(authorization)
    if (known !== undefined && known.expires > Date.now()) {
      return acting(known.viewer, organisation)
    }
    return this.read(authorization, organisation)
  }

  async read (authorization, organisation) {
    const payload = await this.verify(authorization)
    const number = payload.org_id ?? organisation
    const found = number && await this.find(payload.sub, String(number))
    if (!found || found.roles.length === 0) {
      throw new Refused(403, 'You hold no role of a school in this organisation.')
    }
    const viewer = { ...found, number: String(number) }
    if (this.known.size >= KEPT) {
      this.known.clear()
    }
    if (payload.org_id !== undefined) {
      this.known.set(authorization, { viewer, expires: payload.exp * 1000 })
    }
    return acting(viewer, organisation)
  }

  async verify (authorization) {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) {
      throw new Refused(401, 'Send the access token in the header Authorization: Bearer <token>.')
    }
    try {
      return (await jwtVerify(token, this.keys, this.expected)).payload
    } catch (error) {
      throw new Refused(401, error.message)
    }
  }
}

function acting (viewer, organisation) {
  if (organisation !== undefined && organisation !== viewer.number) {
    throw new Refused(403, `The token is for organisation ${viewer.number}; leave X-ASCMS-Organisation out.`)
  }
  return viewer
}

module.exports = { Identity, Refused }
