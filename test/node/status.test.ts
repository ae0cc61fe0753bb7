import { expect, test } from 'vitest'
import { publicKeyToNodeId, streamIdOf } from '../../src/core/ids.ts'
import type { NodeStatus } from '../../src/node/node.ts'
import { createStatusBoard, presentOf, withLast } from '../../src/node/status.ts'
import { createTestWorld } from '../environment.ts'

const ids = [1, 2, 3].map((byte) => publicKeyToNodeId(new Uint8Array(32).fill(byte)))
const [own, former, other] = ids.map((id) => streamIdOf(id, 0)) as never as readonly [ReturnType<typeof streamIdOf>, ReturnType<typeof streamIdOf>, ReturnType<typeof streamIdOf>]

const open = () => {
  const world = createTestWorld()
  const { environment } = world.profile().openTab()
  const board = createStatusBoard(environment, { nodeId: ids[0] ?? expect.unreachable(), name: 'Press 1' })
  const told: NodeStatus[] = []
  const stop = board.observe((status) => told.push(status))
  return { world, board, told, stop }
}

test('[G6] observers hear of changes at once, then at most every 100 ms, always the newest', async () => {
  const { world, board, told, stop } = open()
  board.set({ name: 'a' })
  board.set({ name: 'b' })
  await world.advance(0)
  expect(told.map(({ name }) => name)).toEqual(['b'])
  for (let at = 0; at < 50; at++) {
    board.set({ name: `c${at}` })
    await world.advance(10)
  }
  await world.advance(100)
  expect(told.length).toBeLessThanOrEqual(7)
  expect(told.at(-1)?.name).toBe('c49')
  stop()
  board.set({ name: 'd' })
  await world.advance(200)
  expect(told.at(-1)?.name).toBe('c49')
  expect(board.status().name).toBe('d')
})

test('[G6] keeps the newest 100 notices, and one that repeats once, counted', () => {
  const { board } = open()
  for (let at = 0; at < 150; at++) board.note('CODE', undefined, `text ${at}`)
  board.note('CODE', undefined, 'text 149')
  board.note('CODE', undefined, 'text 149')
  expect(board.status().notices.at(-1)).toMatchObject({ text: 'text 149', times: 3 })
  expect(board.status().notices).toHaveLength(100)
  expect(board.status().notices[0]?.text).toBe('text 50')
  expect(board.status().notices[0]?.times).toBeUndefined()
})

test('[G8] own are the streams of the present identity and of former ones', () => {
  const { board } = open()
  const present = presentOf(new Map([[own, { next: 3 }], [former, { next: 8 }], [other, { next: 1 }]]))
  board.setPresent(present, new Set(ids.slice(0, 2)))
  expect(board.status().present).toEqual({ [own]: 2, [former]: 7, [other]: 0 })
  expect(board.status().own).toEqual({ [own]: 2, [former]: 7 })
  expect(withLast(present, own, 5)).toEqual({ [own]: 5, [former]: 7, [other]: 0 })
  expect(withLast(present, own, 1)).toEqual(present)
})
