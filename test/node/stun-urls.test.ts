import { expect, test } from 'vitest'
import { openStunUrls } from '../../src/node/stun-urls.ts'
import { createMemoryDisk, openMemoryStore } from '../../src/store/memory-event-store.ts'
import { createTestWorld } from '../environment.ts'
import { swarm } from './replication-world.ts'

const open = () => {
  const { settle } = createTestWorld()
  return { settle, store: openMemoryStore(createMemoryDisk(), swarm.id) }
}

test('[G9] what the hub answers counts from then on, and is known at the next start without a hub', async () => {
  const { settle, store } = open()
  let answer: (urls: readonly string[]) => void = () => undefined
  const urls = await openStunUrls(store, () => new Promise((resolve) => (answer = resolve)))
  expect(urls()).toEqual([])
  answer(['stun:192.168.1.10:3478'])
  await settle()
  expect(urls()).toEqual(['stun:192.168.1.10:3478'])
  const offline = await openStunUrls(store, () => Promise.reject(new TypeError('no network')))
  await settle()
  expect(offline()).toEqual(['stun:192.168.1.10:3478'])
})

test('[G7] [G9] only literal addresses are taken, at most four', async () => {
  const { settle, store } = open()
  const five = ['1', '2', '3', '4', '5'].map((last) => `stun:10.0.0.${last}:3478`)
  const urls = await openStunUrls(store, () => Promise.resolve(['stun:stun.example.org:3478', 'turn:10.0.0.9:3478', 'stun:[fd00::1]:3478', ...five]))
  await settle()
  expect(urls()).toEqual(['stun:[fd00::1]:3478', ...five.slice(0, 3)])
  const again = await openStunUrls(store, () => Promise.resolve(['stun:hub.local:3478']))
  await settle()
  expect(again()).toEqual(urls())
})
