'use strict'

/** What the harness says, read once: where the data are, which port, whose tokens. */

const { readFileSync } = require('node:fs')

function needed (name) {
  const value = process.env[name]
  if (!value) {
    throw new Error(`${name} is not set; benchmarks start a contender with it`)
  }
  return value
}

module.exports = {
  database: needed('BENCH_DATABASE'),
  port: Number(needed('BENCH_PORT')),
  jwks: JSON.parse(readFileSync(needed('BENCH_JWKS'), 'utf8')),
  issuer: needed('BENCH_ISSUER'),
  audience: needed('BENCH_AUDIENCE'),
  workers: Number(process.env.BENCH_WORKERS || '1')
}
