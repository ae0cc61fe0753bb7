import { openNode, type TaggedEvent } from '../../../src/index.ts'
import { encodeUtf8 } from '../../../src/core/utf8.ts'
import { logEvents } from './log.ts'
import { dropDatabase, openRaw, putRaw } from './raw.ts'

const database = 'raw'

/** As an event is written into a line: what a raw put stores of it. */
const bytesOf = ({ tags, event }: TaggedEvent): Uint8Array => encodeUtf8(`${JSON.stringify([1_000_000, 1_700_000_000_000_000, 'bench', [[tags, event]]])}\n`)

/** Two kinds of work in turn, block by block, so that what else the machine does meets both. @returns milliseconds per round of each */
const inTurn = async (blocks: number, perBlock: number, ours: (round: number) => Promise<unknown>, limit: (round: number) => Promise<unknown>): Promise<readonly [number, number][]> => {
  const times: [number, number][] = []
  const timed = async (block: number, work: (round: number) => Promise<unknown>) => {
    const begun = performance.now()
    for (let at = 0; at < perBlock; at++) await work(block * perBlock + at)
    return (performance.now() - begun) / perBlock
  }
  for (let block = 0; block < blocks; block++) {
    const first = block % 2 === 0 ? await timed(block, ours) : await timed(block, limit)
    const second = block % 2 === 0 ? await timed(block, limit) : await timed(block, ours)
    times.push(block % 2 === 0 ? [first, second] : [second, first])
  }
  return times
}

/** B1. Milliseconds of one publish, and of one raw strict put of the same bytes, block by block. */
export const publishOneByOne = async (blocks: number, perBlock: number): Promise<readonly [number, number][]> => {
  const node = await openNode({ found: true, name: 'Bench' })
  const events = await logEvents(0, blocks * perBlock)
  const raw = await openRaw(database)
  const times = await inTurn(blocks, perBlock, (round) => node.publish(events.slice(round, round + 1)), (round) => putRaw(raw, round, events.slice(round, round + 1).map(bytesOf)))
  await node.close()
  raw.close()
  await dropDatabase(database)
  return times
}

/** B2. Milliseconds for so many publishes without awaiting between them, and for a raw record each in one strict transaction, in turn. */
export const publishAtOnce = async (count: number, runs: number): Promise<readonly [number, number][]> => {
  const node = await openNode({ found: true, name: 'Bench' })
  const events = await logEvents(0, count)
  const raw = await openRaw(database)
  const records = events.map(bytesOf)
  const times = await inTurn(runs, 1, () => Promise.all(events.map((event) => node.publish([event]))), (round) => putRaw(raw, round * count, records))
  await node.close()
  raw.close()
  await dropDatabase(database)
  return times
}
