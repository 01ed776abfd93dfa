'use strict'

/** Runs a server in as many processes as the harness asks for, and says `ready` once all of them listen. */

const cluster = require('node:cluster')

function endAtSignal (close) {
  process.once('SIGTERM', async () => {
    await close()
    process.exit(0)
  })
}

/** `start` begins to listen, and gives a function that ends it; `prepare` is done once before. */
async function run (start, workers, prepare = async () => {}) {
  if (cluster.isPrimary) {
    await prepare()
  }
  if (workers === 1) {
    endAtSignal(await start())
    console.log('ready')
  } else if (cluster.isPrimary) {
    runSeveral(workers)
  } else {
    endAtSignal(await start())
    process.send('ready')
  }
}

function runSeveral (workers) {
  let listening = 0
  let ending = false
  cluster.on('message', () => {
    listening += 1
    if (listening === workers) {
      console.log('ready')
    }
  })
  cluster.on('exit', () => {
    if (!ending) {
      process.exit(1)
    }
  })
  for (let index = 0; index < workers; index += 1) {
    cluster.fork()
  }
  endAtSignal(() => {
    ending = true
    return Promise.all(
      Object.values(cluster.workers).map(worker => new Promise(resolve => {
        worker.once('exit', resolve)
        worker.process.kill('SIGTERM')
      }))
    )
  })
}

module.exports = { run }
