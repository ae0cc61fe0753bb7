import type { MemoryDisk } from '../../src/store/memory-event-store.ts'
import type { Durability, Key, TableName, Tables, Transaction } from '../../src/store/tables.ts'
import type { Random } from '../random.ts'
import { never, type Page } from './page.ts'

/** A tablet's disk with all pages on it: transactions take time, end with their page or without it, and may be lies. */
export interface SimDisk {
  readonly memory: MemoryDisk
  /** Raised with everything that may have changed what lies on it. */
  readonly version: () => number
  readonly open: (page: Page) => Tables
  /** Takes everything for durable at once, and makes nothing so. */
  readonly lie: (lies: boolean) => void
  readonly powerCut: () => void
  /** Something was changed behind everybody's back. */
  readonly changed: () => void
  /** Whether a transaction is under way. */
  readonly isBusy: () => boolean
}

export interface Pace {
  readonly random: Random
  readonly after: (delayMs: number, call: () => void) => void
  /** Longest time that a transaction waits at each of its points; 0: none takes time. */
  readonly slowMs: number
}

/** One write of a transaction that was stored. */
export interface Written {
  readonly table: TableName
  readonly key: Key
  readonly value: unknown
}

/** @param step called when a transaction begins and when its work is done: whoever ends the page there ends it between two steps @param stored hears what was stored */
export const createSimDisk = (memory: MemoryDisk, pace: Pace, step: () => void, stored: (written: readonly Written[]) => void): SimDisk => {
  let version = 0
  let lies = false
  let running = 0
  const durabilityOf = (durability: Durability): Durability => (lies ? 'relaxed' : durability)
  return {
    memory,
    version: () => version,
    lie: (next) => (lies = next),
    powerCut: () => {
      version++
      memory.powerCut()
    },
    changed: () => void version++,
    isBusy: () => running > 0,
    open: (page) => {
      const tables = memory.open()
      const run: Tables['run'] = async (options, work) => {
        await pause(pace)
        if (page.isGone()) return never()
        const written: Written[] = []
        try {
          const result = await tables.run({ ...options, durability: durabilityOf(options.durability) }, async (transaction) => {
            running++
            step()
            // Its turn may have come too late.
            if (page.isGone()) throw new PageGone()
            const held = new PageTransaction(transaction, page, pace, written)
            const done = await held.run(work)
            step()
            // The page may have ended at this very step.
            if (page.isGone() && !held.committed) throw new PageGone()
            if (held.aborted) written.length = 0
            return done
          }).finally(() => (running = 0))
          if (written.length > 0) {
            version++
            stored(written)
          }
          await pause(pace)
          await page.awake()
          return result
        } catch (error) {
          await page.awake()
          throw error
        }
      }
      return { ...tables, run, onLost: (lost) => tables.onLost((error) => page.deliver(() => lost(error))) }
    },
  }
}

class PageGone extends Error {}

const pause = async ({ random, after, slowMs }: Pace): Promise<void> => {
  if (slowMs === 0 || random.chance(0.6)) return
  const ms = random.chance(0.1) ? random.below(slowMs * 10) : random.below(slowMs)
  await new Promise<void>((resolve) => after(ms, resolve))
}

/** One transaction of a page: answers come only while it is awake. When it is gone what was committed is stored, and everything else is not. */
class PageTransaction {
  committed = false
  aborted = false
  readonly #transaction: Transaction
  readonly #page: Page
  readonly #pace: Pace
  readonly #written: Written[]

  constructor(transaction: Transaction, page: Page, pace: Pace, written: Written[]) {
    this.#transaction = transaction
    this.#page = page
    this.#pace = pace
    this.#written = written
  }

  /** Without the page, what was committed ends by itself; the rest is given up. */
  async run<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    let stop = () => {}
    const gone = new Promise<T>((resolve, reject) => {
      stop = this.#page.onGone(() => (this.committed ? resolve(undefined as T) : reject(new PageGone())))
    })
    try {
      return await Promise.race([work(this.#held()), gone])
    } finally {
      stop()
    }
  }

  #held(): Transaction {
    const { get, values, keys, last, put, add, delete: remove, abort, commit } = this.#transaction
    const answer = async <T>(asked: Promise<T>): Promise<T> => {
      const given = await asked
      if (!this.committed) await pause(this.#pace)
      await this.#page.awake()
      return given
    }
    const note = (table: TableName, key: Key, value: unknown) => void this.#written.push({ table, key, value })
    return {
      get: (table, key) => answer(get(table, key)),
      values: (table, range) => answer(values(table, range)),
      keys: (table, range) => answer(keys(table, range)),
      last: (table, range) => answer(last(table, range)),
      put: (table, key, value) => {
        note(table, key, value)
        put(table, key, value)
      },
      add: (table, key, value) => {
        add(table, key, value)
        note(table, key, value)
      },
      delete: (table, range) => {
        note(table, range.from, undefined)
        remove(table, range)
      },
      abort: () => {
        this.aborted = true
        abort()
      },
      commit: () => {
        this.committed = true
        commit()
      },
    }
  }
}
