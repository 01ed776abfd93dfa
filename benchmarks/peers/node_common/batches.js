'use strict'

/** A request's DataLoaders: what is asked of all rows of a level is read by one statement. */

const DataLoader = require('dataloader')

class Batches {
  constructor (store, viewer) {
    this.store = store
    this.viewer = viewer
    this.loaders = new Map()
  }

  /** The row of `kind` that the key names; null for no key. */
  row (kind, key) {
    return key === null ? null : this.loader(kind, keys => this.store.rows(kind, keys)).load(key)
  }

  /** The list of `kind` that hangs on a student. */
  list (kind, studentId) {
    return this.loader(kind, keys => this.store.lists(kind, keys)).load(studentId)
  }

  /** The first so many of `kind` on a case. */
  firstOnCase (kind, caseId, limit, direction) {
    const read = keys => this.store.firstOnCases(kind, this.viewer, keys, limit, direction)
    return this.loader(`${kind} ${limit} ${direction}`, read).load(caseId)
  }

  /** How many of `kind` a case has. */
  countOnCase (kind, caseId) {
    return this.loader(`${kind} count`, keys => this.store.countOnCases(kind, this.viewer, keys)).load(caseId)
  }

  loader (name, read) {
    let loader = this.loaders.get(name)
    if (loader === undefined) {
      loader = new DataLoader(async keys => read(keys))
      this.loaders.set(name, loader)
    }
    return loader
  }
}

module.exports = { Batches }
