import { parse, stringify } from 'devalue'
import type { Fish } from './fish.ts'

/** State to text and back. */
export interface StateText<S> {
  /** @throws Error with the place of what cannot be said */
  readonly write: (state: S) => string
  /** @throws whatever the fish's `deserializeState` does */
  readonly read: (text: string) => S
}

/** A fish that makes its states itself gets JSON; what else is plain data, `Map`, `Set`, `Date` and the like come back as they were. */
export const stateTextOf = <S, E>({ deserializeState }: Fish<S, E>): StateText<S> => {
  if (deserializeState === undefined) return { write: (state) => stringify(state), read: (text): S => parse(text) }
  return { write: (state) => JSON.stringify(state) ?? 'null', read: (text) => deserializeState(JSON.parse(text)) }
}
