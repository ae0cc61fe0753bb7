import { expect, test } from 'vitest'
import { publicKeyToNodeId, streamIdOf } from '../../src/core/ids.ts'
import { createChanges, type Change } from '../../src/tab/changes.ts'
import { createTestWorld } from '../environment.ts'

const streams = [1, 2].map((byte) => streamIdOf(publicKeyToNodeId(new Uint8Array(32).fill(byte)), 0))

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
  changes.post({ type: 'identity' })
  await world.settle()
  expect(heard).toEqual([{ type: 'grown', streams }, { type: 'identity' }])
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
  for (const message of [undefined, 7, {}, { type: 'more' }, { type: 'grown', streams: 'all' }, { type: 'grown', streams: ['x', 3] }]) channel.post(message)
  await world.settle()
  expect(heard).toEqual([])
})
