import * as fish from './fish.ts'
import * as floor from './floor.ts'
import * as publishing from './publishing.ts'
import * as reading from './reading.ts'

/** What a row may call in a page. */
const bench = { ...publishing, ...reading, ...floor, ...fish }

declare global {
  var bench: Readonly<Record<string, (...given: never[]) => unknown>> | undefined
}

globalThis.bench = bench
