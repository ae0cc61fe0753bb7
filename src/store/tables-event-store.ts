import type { SwarmId } from '../core/ids.ts'
import { createClock, createClockNotes } from './clock.ts'
import type { EventStore } from './event-store.ts'
import { createIdentities } from './identity.ts'
import { createLocal, createMeta } from './kept.ts'
import { Streams } from './streams.ts'
import type { Tables } from './tables.ts'

/** An event store over ordered tables with transactions: all rules of the contract are kept here, durability and atomicity by the tables. */
export const createEventStore = (tables: Tables, swarm: SwarmId): EventStore => {
  const notes = createClockNotes()
  const streams = new Streams(tables, notes)
  const { state, heads, present, records, family, appendOwn, appendReplicated, begin, piece, summaries, addSummaries, joinTail, lower, fork } = streams
  return {
    swarm,
    ...createIdentities(tables),
    state, heads, present, records, family, appendOwn, appendReplicated, begin, piece, summaries, addSummaries, joinTail, lower, fork,
    ...createClock(tables, notes),
    ...createMeta(tables),
    local: createLocal(tables),
    onLost: tables.onLost,
    close: tables.close,
  }
}
