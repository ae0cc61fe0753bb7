import { fail, ok } from '../core/result.ts'
import type { Invitation } from '../protocol/invitation.ts'
import type { Aql } from './aql.ts'
import type { Node } from './node.ts'

// Parts that most pages never use, or not at once: they are loaded with their first use, so that a node opens sooner.

/** Of a test they are at hand, so that one seed stays one run. */
export interface LaterParts {
  readonly aql: Aql
  readonly encodeInvitation: (invitation: Invitation) => Promise<string>
}

/** The query language. What a query sees is looked up when it is asked, as without loading. */
const laterAql = (load: () => Promise<Aql>): Aql => ({
  runAql: (devices, text, options, given) => {
    const present = given ?? devices.reader.heads().then(ok, fail)
    async function* answers() {
      yield* (await load()).runAql(devices, text, options, present)
    }
    return { [Symbol.asyncIterator]: answers }
  },
  followAql: (devices, text, subscriber, options) => {
    let isStopped = false
    let stop: () => void = () => undefined
    load().then(
      ({ followAql }) => {
        if (!isStopped) stop = followAql(devices, text, subscriber, options)
      },
      (error: unknown) => {
        if (!isStopped) subscriber.failed(error instanceof Error ? error : new Error(String(error)))
      },
    )
    return () => {
      isStopped = true
      stop()
    }
  },
})

export const laterParts: LaterParts = {
  aql: laterAql(async () => (await import('./aql.ts')).aql),
  encodeInvitation: async (invitation) => (await import('../protocol/invitation.ts')).encodeInvitation(invitation),
}

type Archives = Pick<Node, 'archive' | 'takeArchive'>

export const laterArchives = (load: () => Promise<Archives>): Archives => ({
  archive: async function* (which) {
    yield* (await load()).archive(which)
  },
  takeArchive: async (file) => (await load()).takeArchive(file),
})
