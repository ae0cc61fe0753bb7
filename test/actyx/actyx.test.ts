import { expect, test } from 'vitest'
import { actyxOf } from '../../src/actyx/actyx.ts'
import { copyOf } from '../../src/actyx/events.ts'
import { nodeInfoOf } from '../../src/actyx/node-info.ts'
import { nodeIdOf, nodeStatus, peerStatus } from '../app/status.ts'
import { createNodeWorld, tagged } from '../node/world.ts'

const openTwo = async () => {
  const { world, tablet } = await createNodeWorld()
  const { node: full } = await tablet().open()
  const pad = 'x'.repeat(1_000)
  for (let at = 0; at < 20; at++) await full.publish(Array.from({ length: 50 }, (_, part) => tagged({ at, part, pad }, 'x')))
  const second = tablet()
  const open = async () => {
    const { node, tab } = await second.open()
    return { node, actyx: actyxOf(node, { appId: 'app' }, { nowMicros: tab.environment.nowMicros, after: world.after }) }
  }
  return { world, open }
}

test('[C33] in a node just opened, waiting ends when another was met and all that it holds is here', async () => {
  const { world, open } = await openTwo()
  const { actyx } = await open()
  let isHere = false
  actyx.waitForSync().then(() => (isHere = true), () => undefined)
  expect(Object.keys(await actyx.present())).toEqual([])
  await world.until(() => isHere)
  expect(world.nowMs()).toBeLessThan(30_000)
  expect((await actyx.queryAllKnown({})).events).toHaveLength(1_000)
})

test('[C33] alone it ends after 30 s of the node, then at once; disposing ends it too', async () => {
  const { world, tablet } = await createNodeWorld()
  const { node, tab } = await tablet().open()
  const clock = { nowMicros: tab.environment.nowMicros, after: world.after }
  const ended: string[] = []
  const wait = (name: string) => {
    const actyx = actyxOf(node, { appId: 'app' }, clock)
    actyx.waitForSync().then(() => ended.push(name), () => undefined)
    return actyx
  }
  wait('first')
  const disposed = wait('disposed')
  await world.advance(10_000)
  expect(ended).toEqual([])
  disposed.dispose()
  await world.settle()
  expect(ended).toEqual(['disposed'])
  await world.advance(19_000)
  expect(ended).toEqual(['disposed'])
  await world.advance(2_000)
  expect(ended).toEqual(['disposed', 'first'])
  wait('late')
  await world.advance(1)
  expect(ended).toEqual(['disposed', 'first', 'late'])
})

test('[C17] a manifest without an app id is refused', async () => {
  const { tablet } = await createNodeWorld()
  const { node } = await tablet().open()
  for (const appId of [undefined, 7, 'x'.repeat(257)]) expect(() => actyxOf(node, { appId: appId as string })).toThrow(/^ACTYX-MANIFEST: /)
})

test('[C31] what is told of a node: version, time, and how others are reached', () => {
  const peers = [
    peerStatus('B'), peerStatus('C', { roundTripMs: 301 }), peerStatus('D', { state: 'gone', hops: 2 }), peerStatus('E', { state: 'suspect', hops: undefined }),
    peerStatus('F', { state: 'connecting', hops: undefined }), peerStatus('G', { state: 'gone', hops: undefined }), peerStatus('H', { state: 'asleep', hops: undefined }),
  ]
  const info = nodeInfoOf(nodeStatus({ peers, startedMicros: 1_000_000 }), 3_500_000)
  expect(info.uptimeMillis()).toBe(2_500)
  expect(info.connectedNodes()).toBe(2)
  expect(info.peersStatus()).toEqual(Object.fromEntries(
    Object.entries({ B: 'LowLatency', C: 'HighLatency', D: 'HighLatency', E: 'PartiallyWorking', F: 'PartiallyWorking', G: 'NotWorking', H: 'NotWorking' }).map(([letter, reach]) => [nodeIdOf(letter), reach]),
  ))
  expect(info.longVersion().startsWith(info.semVer())).toBe(true)
  expect(['2.5.0', '2.15', '2.18.0', '1.99.99'].map(info.isAtLeastVersion)).toEqual([true, true, true, true])
  expect(['2.18.1', '2.19.0', '3.0.0', '10.0.0'].map(info.isAtLeastVersion)).toEqual([false, false, false, false])
})

test('[C35] a copy has every property, whatever its name', () => {
  const text = '{"__proto__":{"a":[1]},"constructor":null,"b":[[{}]]}'
  const value = JSON.parse(text)
  const copy = copyOf(value)
  expect(JSON.stringify(copy)).toBe(text)
  expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
  expect(copy).not.toBe(value)
})
