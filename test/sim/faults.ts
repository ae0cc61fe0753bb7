import type * as PlanModule from '../../src/protocol/plan.ts'
import { noView, type PlanEffect } from '../../src/protocol/plan-state.ts'
import { decodeHeader } from '../../src/stream/header.ts'
import type * as SwarmModule from '../../src/stream/swarm.ts'
import type * as VerifyModule from '../../src/stream/verify.ts'
import type * as TailModule from '../../src/store/tail.ts'
import { unpackAppend } from '../../src/store/records.ts'
import type { AppendResult, EventStore } from '../../src/store/event-store.ts'
import type { Tables, Transaction, TransactionOptions } from '../../src/store/tables.ts'
import { decodeMessage } from '../../src/protocol/codec.ts'
import type { Fault, FaultContext } from './fault.ts'
import { otherProgram } from './program.ts'
import type { Page } from './page.ts'

// Twenty faults, each of them once thought harmless by somebody. Planted around the devices where the fault is in their use, in place of a pure function where it is in the rules.

type Run = Tables['run']

const tables = (change: (run: Run, context: FaultContext) => Run): NonNullable<Fault['tables']> => (own, context) => ({ ...own, run: change(own.run, context) })

/** Changes what a transaction asks for. */
const asking = (change: (transaction: Transaction, options: TransactionOptions) => Partial<Transaction>): NonNullable<Fault['tables']> =>
  tables((run) => (options, work) => run(options, (transaction) => work({ ...transaction, ...change(transaction, options) })))

const isAppend = ({ tables: names, durability, mode }: TransactionOptions): boolean => mode === 'readwrite' && durability === 'strict' && names.includes('tail')
const isFlush = ({ tables: names, mode }: TransactionOptions): boolean => mode === 'readwrite' && names.length === 1 && names[0] === 'meta'

const store = (change: (store: EventStore, context: FaultContext) => Partial<EventStore>): NonNullable<Fault['store']> => (own, context) => ({ ...own, ...change(own, context) })

type Step = typeof PlanModule.stepPlan
const plan = (change: (step: Step) => Step) => otherProgram<typeof PlanModule>('../../src/protocol/plan.ts', ({ stepPlan }) => ({ stepPlan: change(stepPlan) }))

/** Adds effects to a step. */
const adding = (more: (input: Parameters<Step>[1]) => readonly PlanEffect[]) => plan((step) => (state, input) => {
  const [next, effects] = step(state, input)
  return [next, [...effects, ...more(input)]]
})

type Verify = typeof VerifyModule.verifyPiece
const verify = (change: (verifyPiece: Verify) => Verify) =>
  otherProgram<typeof VerifyModule>('../../src/stream/verify.ts', ({ verifyPiece }) => ({ verifyPiece: change(verifyPiece) }))

/** Own appends under way, by page: the tables do not tell whose a transaction is. */
const appending = new WeakMap<Page, number>()
const counting = store(({ appendOwn }, { page }) => ({
  appendOwn: async (...parameters) => {
    appending.set(page, (appending.get(page) ?? 0) + 1)
    try {
      return await appendOwn(...parameters)
    } finally {
      appending.set(page, (appending.get(page) ?? 0) - 1)
    }
  },
}))
const isOwnAppend = (page: Page, options: TransactionOptions): boolean => isAppend(options) && (appending.get(page) ?? 0) > 0

const isClosing = ({ tables: names }: TransactionOptions): boolean => names.includes('summaries') && names.includes('tail')
const isJoin = ({ tables: names, mode }: TransactionOptions): boolean => mode === 'readwrite' && names.join() === 'streams,tail'
const withoutRaise = (value: unknown): unknown => {
  const record = value as { readonly revision: number }
  return { ...record, revision: record.revision - 1 }
}
/** Seconds of the page's own clock. */
const wallClock = ({ page }: FaultContext): number => Math.floor(page.tab.environment.nowMicros() / 1e6) - 1_799_990_000

/** The last piece of each want, by what sends it on. */
const held = new WeakMap<(message: Uint8Array) => void, Uint8Array>()
const lost = new WeakMap<Page, number>()
let calls = 0

export const faults: readonly Fault[] = [
  {
    name: 'send before commit', store: counting,
    tables: tables((run, { page, world }) => async (options, work) => {
      if (!isOwnAppend(page, options)) return run(options, work)
      const result = await run({ ...options, durability: 'relaxed' }, work)
      const commit = () => run({ tables: ['meta'], mode: 'readwrite', durability: 'strict' }, async (transaction) => transaction.put('meta', 'late', 0))
      world.world.after(300, () => void commit().catch(() => undefined))
      return result
    }),
  },
  {
    name: 'have before commit',
    program: plan((step) => (state, input) => {
      const [next, effects] = step(state, input)
      const views = new Map(next.views)
      for (const effect of effects) {
        const header = effect.type === 'take' ? decodeHeader(effect.piece.segment.header) : undefined
        if (header?.ok !== true) continue
        const { stream, first, events, previous } = header.value
        const view = views.get(stream)
        if (first === (view?.first ?? 0) && first + events > (view?.next ?? 0)) views.set(stream, { ...noView, next: first + events, headerId: new Uint8Array(32).fill(1), first, previous, ended: false })
      }
      return [{ ...next, views }, effects]
    }),
  },
  { name: 'have before flush', tables: tables((run) => (options, work) => run(isFlush(options) ? { ...options, durability: 'relaxed' } : options, work)) },
  { name: 'own append relaxed', store: counting, tables: tables((run, { page }) => (options, work) => run(isOwnAppend(page, options) ? { ...options, durability: 'relaxed' } : options, work)) },
  { name: 'offset used again', tables: asking(({ put }) => ({ add: put })) },
  { name: 'clock read before the lock', store: store(({ appendOwn }) => ({ appendOwn: (append, firstLamport) => appendOwn(append, firstLamport, false) })) },
  {
    name: 'chain not checked',
    program: verify((verifyPiece) => (crypto, swarm, base, piece) => {
      const header = decodeHeader(piece.sealed.header)
      const fits = header.ok && header.value.first === base.open.first && base.open.body.length === 0
      return verifyPiece(crypto, swarm, fits ? { ...base, open: { ...base.open, previous: header.value.previous } } : base, piece)
    }),
  },
  {
    name: 'validity that depends on what is held',
    program: verify((verifyPiece) => async (crypto, swarm, base, piece) => {
      const verdict = await verifyPiece(crypto, swarm, base, piece)
      const leaps = verdict.type === 'append' && base.head.next > 0 && (verdict.lamports[0] ?? 0) > base.head.lamport + 1_000_000
      return leaps ? { type: 'author', headerId: new Uint8Array(32), reason: { type: 'order', line: 0 } } : verdict
    }),
  },
  {
    name: 'order by wall time',
    store: store(({ appendOwn }, context) => ({
      raiseClock: async () => wallClock(context),
      appendOwn: async (append, firstLamport): Promise<AppendResult> => {
        const result = await appendOwn(append, firstLamport, false)
        return result.type === 'stored' ? { ...result, clock: wallClock(context) } : result
      },
    })),
  },
  { name: 'tail kept after closing', tables: asking(({ delete: remove }, options) => ({ delete: (table, range) => (isClosing(options) && table === 'tail' ? undefined : remove(table, range)) })) },
  { name: 'echo of a proof', program: adding((input) => (input.type === 'forkCame' ? [{ type: 'send', session: input.session, message: input.fork }] : [])) },
  {
    name: 'last record of a want lost',
    say: (message, send) => {
      const decoded = decodeMessage(message)
      const before = held.get(send)
      held.delete(send)
      const ends = decoded.ok && decoded.value.type === 'end'
      if (before !== undefined && !ends) send(before)
      if (decoded.ok && decoded.value.type === 'segment' && decoded.value.want !== 0) held.set(send, message)
      else send(message)
    },
  },
  {
    name: 'push that misses answered by bye',
    program: adding((input) => (input.type === 'taken' && input.piece.want === 0 && input.outcome.type === 'beyond' ? [{ type: 'end', session: input.piece.session, reason: 'violation', text: 'a push that misses' }] : [])),
  },
  {
    name: 'wrong name of a branch',
    program: otherProgram<typeof SwarmModule>('../../src/stream/swarm.ts', ({ branchIdOf }) => ({ branchIdOf: (stream, chain) => branchIdOf(stream, chain.map((byte, at) => (at === 0 ? byte ^ (++calls & 1) : byte))) })),
  },
  { name: 'a join not seen by the compare-and-set', tables: asking(({ put }, options) => ({ put: (table, key, value) => put(table, key, isJoin(options) && table === 'streams' ? withoutRaise(value) : value) })) },
  {
    name: 'a closing not seen by the compare-and-set',
    tables: asking(({ put, keys }, options) => ({
      put: (table, key, value) => put(table, key, isClosing(options) && table === 'streams' ? withoutRaise(value) : value),
      keys: async (table, range) => (isClosing(options) && table === 'tail' ? [] : keys(table, range)),
    })),
  },
  { name: 'commit() before the check', store: counting, tables: (own, context) => ({ ...own, run: (options, work) => own.run(options, (transaction) => work(isOwnAppend(context.page, options) ? { ...transaction, abort: () => undefined } : transaction)) }) },
  {
    name: 'a publish stored twice after a stolen lock',
    environment: (environment, { page }) => ({
      ...environment,
      locks: {
        hold: (name, options) => environment.locks.hold(name, { ...options, lost: () => {
          lost.set(page, (lost.get(page) ?? 0) + 1)
          options.lost()
        } }),
      },
    }),
    store: store(({ appendOwn }, { page }) => ({
      appendOwn: async (append, ...rest): Promise<AppendResult> => {
        const before = lost.get(page)
        const result = await appendOwn(append, ...rest)
        return result.type === 'stored' && lost.get(page) !== before ? { type: 'stale', stream: append.stream } : result
      },
    })),
  },
  {
    name: 'clock set back by a new identity',
    tables: asking(({ put }) => ({
      put: (table, key, value) => {
        put(table, key, value)
        const former = (value as { readonly former?: readonly unknown[] } | undefined)?.former
        if (table === 'meta' && key === 'identity' && former !== undefined && former.length > 0) put('meta', 'clock', 0)
      },
    })),
  },
  {
    name: 'leftovers beyond a hole counted as held',
    program: otherProgram<typeof TailModule>('../../src/store/tail.ts', ({ tailOf }) => ({
      tailOf: (record, values) => {
        const tail = tailOf(record, values)
        const rest = values.flatMap((value) => unpackAppend(value) ?? []).filter(({ first }) => first >= record.openFirst)
        return tail.hole ? { ...tail, appends: rest, hole: false } : tail
      },
    })),
  },
]
