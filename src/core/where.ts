/** All of these hold: every tag is present, and what else is given. */
export interface Conjunction {
  readonly tags: readonly string[]
  /** Only events of this node, former identities included. */
  readonly local?: true
  readonly appId?: string
}

/** Which events: those for which at least one conjunction holds. None: no event. Tags are NFC. */
export type Where = readonly Conjunction[]

export const allEvents: Where = [{ tags: [] }]
