import { streamIdOf, type Lamport, type NodeId } from '../core/ids.ts'
import { StoreError } from './errors.ts'
import type { EventStore } from './event-store.ts'
import { parseIdentity } from './identity.ts'
import { numberOf } from './records.ts'
import { headOf, readTail } from './tail.ts'
import { readAtOnce, type TableName, type Tables, type Transaction } from './tables.ts'

/** A replicated transaction may leave the clock less than this above what the last strict one left. */
const clockSlack = 1000

/** What the last complete strict transaction of this object left the clock at; nothing before the first. */
export interface ClockNotes {
  readonly strict: (clock: Lamport) => void
  /** A replicated transaction that would leave the clock here or above is strict. */
  readonly strictFrom: () => Lamport
}

export const createClockNotes = (): ClockNotes => {
  let from = 0
  return { strict: (clock) => (from = Math.max(from, clock + clockSlack)), strictFrom: () => from }
}

const tables: readonly TableName[] = ['meta', 'streams', 'tail']

export const createClock = (disk: Tables, notes: ClockNotes): Pick<EventStore, 'clock' | 'raiseClock' | 'raiseClockTo' | 'flush'> => {
  const raise = async (raised: (clock: Lamport) => Lamport): Promise<Lamport> => {
    const clock = await disk.run({ tables, mode: 'readwrite', durability: 'strict' }, async (transaction) => {
      const after = raised(await readClock(transaction))
      if (after > Number.MAX_SAFE_INTEGER) throw new StoreError('STORE-FAILED', 'the clock cannot be raised that far')
      transaction.put('meta', 'clock', after)
      return after
    })
    notes.strict(clock)
    return clock
  }
  let own: NodeId | undefined
  /** Whose stream the own one is is known from before, and read again where it has become another. */
  const clock = async (): Promise<Lamport> => {
    for (;;) {
      const asked = own
      const [stored, recorded, tail] = await readAtOnce(disk, tables, (transaction) =>
        Promise.all([transaction.get('meta', 'identity'), transaction.get('meta', 'clock'), asked && readTail(transaction, streamIdOf(asked, 0))]),
      )
      own = parseIdentity(stored)?.identity.nodeId
      if (own === asked) return Math.max(numberOf(recorded), tail === undefined ? 0 : headOf(tail).lamport)
    }
  }
  return {
    clock,
    raiseClock: (by) => raise((clock) => clock + by),
    raiseClockTo: (to) => raise((clock) => Math.max(clock, to)),
    // Only a strict transaction with a write flushes what came before it.
    flush: () => disk.run({ tables: ['meta'], mode: 'readwrite', durability: 'strict' }, async (transaction) => transaction.put('meta', 'flushed', 0)),
  }
}

/** The larger of the record and the own head's last Lamport time. */
export const readClock = async (transaction: Transaction): Promise<Lamport> => {
  const [stored, recorded] = await Promise.all([transaction.get('meta', 'identity'), transaction.get('meta', 'clock')])
  const identity = parseIdentity(stored)
  const own = identity && (await readTail(transaction, streamIdOf(identity.identity.nodeId, 0)))
  return Math.max(numberOf(recorded), own === undefined ? 0 : headOf(own).lamport)
}
