import { expect, test } from 'vitest'
import { publicKeyToNodeId, streamIdOf } from '../../src/core/ids.ts'
import { createChanges, type Change } from '../../src/tab/changes.ts'
import { createTestWorld } from '../environment.ts'

const streamOf = (byte: number) => streamIdOf(publicKeyToNodeId(new Uint8Array(32).fill(byte)), 0)
const streams = [streamOf(1), streamOf(2)]

const open = () => {
  const world = createTestWorld()
  const profile = world.profile()
  const heard: Change[] = []
  const [sender, receiver] = [profile.openTab(), profile.openTab()]
  const changes = createChanges(sender.environment, 'changes', () => {})
  createChanges(receiver.environment, 'changes', (change) => heard.push(change))
  return { world, sender, receiver, changes, heard }
}

test('[G8] a hint reaches the other tabs', async () => {
  const { world, changes, heard } = open()
  changes.post({ type: 'grown', streams })
  const others: readonly Change[] = [{ type: 'identity' }, { type: 'renamed' }, { type: 'missed', earliest: { lamport: 7, stream: streamOf(1) } }, { type: 'left' }]
  for (const change of others) changes.post(change)
  await world.settle()
  expect(heard).toEqual([{ type: 'grown', streams }, ...others])
})

test('[G8] a frozen page notes what it hears and gets it joined on resume', async () => {
  const { world, receiver, changes, heard } = open()
  receiver.freeze()
  for (const stream of [...streams, ...streams]) changes.post({ type: 'grown', streams: [stream] })
  await world.settle()
  expect(heard).toEqual([])
  receiver.resume()
  expect(heard).toEqual([{ type: 'grown', streams }])
})

test('[G8] what another version of the program may post is dropped', async () => {
  const { world, sender, heard } = open()
  const channel = sender.environment.channel('changes')
  for (const message of [undefined, 7, {}, { type: 'more' }, { type: 'grown', streams: 'all' }, { type: 'grown', streams: ['x', 3] }, { type: 'missed' }, { type: 'missed', earliest: { lamport: '7', stream: streams[0] } }]) channel.post(message)
  await world.settle()
  expect(heard).toEqual([])
})
