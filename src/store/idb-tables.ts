import { StoreError } from './errors.ts'
import { carryOut, Stumbled } from './idb-transaction.ts'
import { openDatabase } from './idb-schema.ts'
import type { Tables, Transaction, TransactionOptions } from './tables.ts'

/** Tables in the database of this name, made if there is none. @throws StoreError when it cannot be opened */
export const openIdbTables = async (name: string): Promise<Tables> => {
  const connection = new Connection()
  const database = await openDatabase(name, connection.lose)
  return {
    run: (options, work) => connection.run(database, options, work),
    onLost: connection.onLost,
    close: async () => {
      await connection.close()
      database.close()
    },
  }
}

/** What is known of one connection to a database: whether it is still there, and what is under way on it. */
class Connection {
  #closed = false
  #lost: StoreError | undefined
  readonly #listeners = new Set<(error: Error) => void>()
  /** Of each transaction under way, what rejects it. */
  readonly #underWay = new Set<(error: Error) => void>()
  /** Who waits until nothing is under way. */
  readonly #waiting: (() => void)[] = []

  /** @param isCut whether no event of what is under way may ever come */
  readonly lose = (reason: string, isCut: boolean): void => {
    if (this.#lost !== undefined || this.#closed) return
    const lost = new StoreError('STORE-LOST', `${reason}; what was under way may or may not be stored: open the store again and read the heads`)
    this.#lost = lost
    if (isCut) for (const reject of this.#underWay) this.#end(reject, () => reject(lost))
    for (const listener of this.#listeners) listener(lost)
  }

  readonly onLost = (lost: (error: Error) => void): (() => void) => {
    this.#listeners.add(lost)
    return () => this.#listeners.delete(lost)
  }

  readonly run = <T>(database: IDBDatabase, options: TransactionOptions, work: (transaction: Transaction) => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      this.#underWay.add(reject)
      this.#begin(database, options, work).then(
        (value) => this.#end(reject, () => resolve(value)),
        (error: unknown) => this.#end(reject, () => reject(error)),
      )
    })

  readonly close = (): Promise<void> => {
    this.#closed = true
    return new Promise((resolve) => {
      if (this.#underWay.size === 0) resolve()
      else this.#waiting.push(resolve)
    })
  }

  #end(reject: (error: Error) => void, settle: () => void): void {
    settle()
    this.#underWay.delete(reject)
    if (this.#underWay.size === 0) for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async #begin<T>(database: IDBDatabase, { tables, mode, durability }: TransactionOptions, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreError('STORE-CLOSED', 'the store was closed; open it again')
    if (this.#lost !== undefined) throw this.#lost
    const begin = () => this.#transaction(database, [...tables], mode, durability)
    try {
      return await carryOut(begin(), work)
    } catch (error) {
      if (!(error instanceof Stumbled)) throw error
      return carryOut(begin(), work, 'stepwise')
    }
  }

  #transaction(database: IDBDatabase, tables: string[], mode: IDBTransactionMode, durability: IDBTransactionDurability): IDBTransaction {
    try {
      return database.transaction(tables, mode, { durability })
    } catch (error) {
      this.lose(`no transaction can be opened (${String(error)})`, false)
      throw this.#lost ?? error
    }
  }
}
