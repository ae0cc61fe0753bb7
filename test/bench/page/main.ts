import * as disk from './disk.ts'
import * as fish from './fish.ts'
import * as floor from './floor.ts'
import * as latency from './latency.ts'
import * as mesh from './mesh.ts'
import * as opening from './opening.ts'
import * as publishing from './publishing.ts'
import * as queries from './queries.ts'
import * as reading from './reading.ts'

/** What a row may call in a page. */
const bench = { ...disk, ...fish, ...floor, ...latency, ...mesh, ...opening, ...publishing, ...queries, ...reading }

declare global {
  var bench: Readonly<Record<string, (...given: never[]) => unknown>> | undefined
}

globalThis.bench = bench
