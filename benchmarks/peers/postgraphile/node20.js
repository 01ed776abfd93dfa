'use strict'

/** PostGraphile is made for Node 22; of that, Node 20 lacks this. Loaded before it. */

Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new this((...both) => { [resolve, reject] = both })
  return { promise, resolve, reject }
}
