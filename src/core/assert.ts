/** A broken invariant or a misuse: a bug, never bad input. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Throws when `condition` does not hold. For bugs only; what comes from outside is checked with a `Result`. */
export function assert(condition: unknown, message: string): asserts condition {
  if (condition !== true && !condition) throw new AssertionError(message)
}

/** Marks a case that the types exclude. */
export const unreachable = (value: never): never => {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`)
}
