import { eventKeyToId } from '../core/event-key.ts'
import type { OffsetMap } from '../core/offset-map.ts'
import type { Node } from '../node/node.ts'
import type { Answer } from '../query/answer.ts'
import type { Origin } from '../query/origin.ts'
import { copyOf, metadataOf } from './events.ts'
import type { EventFns } from './event-fns.ts'
import { followForGood, type Clock, type Run, type Runs } from './runs.ts'
import { offsetsFrom, orderFrom, sizeFrom, type Asker } from './selection.ts'
import { ActyxError, shown } from './errors.ts'
import type { AqlQuery, AqlResponse, Metadata } from './types.ts'

type Aql = Pick<EventFns, 'queryAql' | 'queryAqlChunked' | 'subscribeAql'>

export const createAql = (node: Node, asker: Asker & Clock, runs: Runs): Aql => {
  const { appId } = asker
  const answers = (query: AqlQuery) => {
    const { text, order } = textOf(query)
    return node.aql(text, { appId, order: order === 'desc' ? 'descending' : 'ascending' })
  }
  return {
    queryAql: async (query) => {
      runs.check()
      const responses: AqlResponse[] = []
      for await (const answer of answers(query)) responses.push(responseOf(answer))
      return responses
    },
    queryAqlChunked: (query, chunkSize, onChunk, onCompleteOrError) =>
      runs.begin((run) => tellChunks(run, answers(query), sizeFrom(chunkSize, 'chunkSize'), onChunk), onCompleteOrError),
    subscribeAql: (query, onResponse, onError, lowerBound) =>
      runs.begin((run) => follow(run, node, asker, { text: textOf(query).text, appId, lowerBound: offsetsFrom(lowerBound, 'lowerBound') }, onResponse), onError),
  }
}

const textOf = (query: AqlQuery): { readonly text: string; readonly order: string } => {
  const { query: text, order }: { readonly query: unknown; readonly order?: string } = typeof query === 'string' ? { query } : Object(query)
  if (typeof text !== 'string') throw new ActyxError('ACTYX-QUERY', `a query in AQL is a text, or { query: text }, not ${shown(text)}`)
  return { text, order: orderFrom(order) }
}

const tellChunks = async (run: Run, answers: AsyncIterable<Answer>, size: number, onChunk: (chunk: AqlResponse[]) => Promise<void> | void): Promise<void> => {
  let chunk: AqlResponse[] = []
  const tell = async () => {
    const full = chunk
    chunk = []
    await Promise.race([onChunk(full), run.over])
  }
  for await (const answer of answers) {
    if (run.isOver()) return
    chunk.push(responseOf(answer))
    if (chunk.length === size) await tell()
    if (run.isOver()) return
  }
  if (chunk.length > 0) await tell()
}

interface Followed {
  readonly text: string
  readonly appId: string
  readonly lowerBound: OffsetMap
}

const follow = (run: Run, node: Node, clock: Clock, { text, ...options }: Followed, onResponse: (response: AqlResponse) => Promise<void> | void): Promise<never> => {
  /** After an attempt that failed all is given again. */
  let again: readonly Answer[] = []
  return followForGood(run, clock, ({ failed, broken }) =>
    node.subscribeAql(
      text,
      {
        answers: async (answers) => {
          const all = [...again, ...answers]
          again = []
          try {
            for (const answer of all) if (!run.isOver()) await onResponse(responseOf(answer))
          } catch (error) {
            broken(error)
          }
        },
        failed: (error) => {
          again = [{ type: 'reset' }]
          failed(error)
        },
      },
      options,
    ))
}

const nothing = { lamport: 0, stream: '', offset: 0, eventId: '', appId: '', isLocalEvent: false }

const metaOf = (origin: Origin): Metadata => {
  if (origin.type === 'event') return metadataOf(origin.meta)
  if (origin.type === 'synthetic') return { ...nothing, tags: [], timestampMicros: 0, timestampAsDate: () => new Date(0) }
  const { last, lastMicros } = origin
  return { ...nothing, ...last, eventId: eventKeyToId(last), tags: [], timestampMicros: lastMicros, timestampAsDate: () => new Date(lastMicros / 1000) }
}

/** What Actyx has no type for is typed as what it leaves room for. */
const responseOf = (answer: Answer): AqlResponse => {
  switch (answer.type) {
    case 'event': return { type: 'event', payload: copyOf(answer.payload), meta: metaOf(answer.origin) }
    case 'offsets': return { type: 'offsets', offsets: { ...answer.offsets } }
    case 'diagnostic': return { ...answer }
    case 'antiEvent': return { type: answer.type as never, payload: copyOf(answer.payload), meta: { ...metaOf(answer.origin) } }
    case 'reset': return { type: answer.type as never, payload: null, meta: {} }
    case 'explain': return { type: answer.type as never, payload: { ...answer.explanation }, meta: {} }
  }
}
