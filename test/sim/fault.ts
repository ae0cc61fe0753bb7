import type { Environment } from '../../src/node/environment.ts'
import type { EventStore } from '../../src/store/event-store.ts'
import type { Tables } from '../../src/store/tables.ts'
import type { Page } from './page.ts'
import type { Program } from './program.ts'
import type { Tablet } from './tablet.ts'
import type { SimWorld } from './world.ts'

export interface FaultContext {
  readonly page: Page
  readonly tablet: Tablet
  readonly world: SimWorld
}

/** A fault that is planted into every node, around its devices or in place of a pure function. The program itself knows nothing of it. */
export interface Fault {
  readonly name: string
  readonly program?: () => Promise<Program>
  readonly tables?: (tables: Tables, context: FaultContext) => Tables
  readonly store?: (store: EventStore, context: FaultContext) => EventStore
  readonly environment?: (environment: Environment, context: FaultContext) => Environment
  /** What leaves instead of `message`. */
  readonly say?: (message: Uint8Array, send: (message: Uint8Array) => void, context: FaultContext) => void
}
