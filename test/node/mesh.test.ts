import { expect, test } from 'vitest'
import type { Node } from '../../src/node/node.ts'
import { decodeMessage } from '../../src/protocol/codec.ts'
import { createNodeWorld, payloads, readAll, sortedTexts, tagged, type NodeWorld, type Tablet } from './world.ts'

interface Opened {
  readonly tablet: Tablet
  readonly node: Node
}

const openTablets = async (here: NodeWorld, count: number): Promise<readonly Opened[]> => {
  const opened: Opened[] = []
  for (let at = 0; at < count; at++) {
    const tablet = here.tablet()
    opened.push({ tablet, node: (await tablet.open()).node })
  }
  return opened
}

const connectedWith = ({ node }: Opened): readonly string[] => node.status().peers.filter(({ state }) => state === 'connected').map(({ name }) => name).toSorted()

const openChain = async (here: NodeWorld): Promise<readonly [Opened, Opened, Opened]> => {
  here.network.cut('Tablet 1', 'Tablet 3')
  const [a, b, c] = await openTablets(here, 3)
  if (a === undefined || b === undefined || c === undefined) throw new Error('no tablets')
  await here.world.until(() => connectedWith(b).length === 2)
  return [a, b, c]
}

const closeAll = async (here: NodeWorld, opened: readonly Opened[]): Promise<void> => {
  const closing = Promise.all(opened.map(({ node }) => node.close()))
  await here.world.settle()
  await closing
}

test('[R51] [R53] with the hub off, two that are not connected connect over a third', async () => {
  const here = await createNodeWorld(11)
  const [a, b, c] = await openChain(here)
  here.hub.off()
  await here.world.advance(30_000)
  expect([connectedWith(a), connectedWith(b), connectedWith(c)]).toEqual([['Tablet 2'], ['Tablet 1', 'Tablet 3'], ['Tablet 2']])
  here.network.heal('Tablet 1', 'Tablet 3')
  await here.world.until(() => connectedWith(a).length === 2 && connectedWith(c).length === 2, 60_000)
  expect(here.network.connections().length).toBe(3)
  expect([a, b, c].flatMap(({ node }) => node.status().notices.filter(({ code }) => code !== 'connection-failed'))).toEqual([])
  await closeAll(here, [a, b, c])
})

test('[R55] [R56] a node that is not connected is named, with its distance, and a new name reaches all at once', async () => {
  const here = await createNodeWorld(12)
  const [a, b, c] = await openChain(here)
  const seen = () => a.node.status().peers.map(({ name, hops }) => [name, hops])
  await here.world.until(() => JSON.stringify(seen()) === JSON.stringify([['Tablet 2', 1], ['Tablet 3', 2]]))
  await c.node.rename('Saw 7')
  await b.node.rename('Lathe 1')
  await here.world.advance(3000)
  expect(seen()).toEqual([['Lathe 1', 1], ['Saw 7', 2]])
  await closeAll(here, [a, b, c])
})

test('[R35] events reach one that is not connected with their author at once, not with the next `have`', async () => {
  const here = await createNodeWorld(13)
  const [a, b, c] = await openChain(here)
  await here.world.advance(5000)
  const all: string[] = []
  for (const text of ['first', 'second', 'third']) {
    all.push(text)
    await a.node.publish([tagged(text, 'x')])
    await here.world.settle()
    expect(payloads(await readAll(c.node))).toEqual(all)
  }
  await closeAll(here, [a, b, c])
})

test('[R35] where all are connected with the author, a push is passed on by nobody', async () => {
  let pushes = 0
  const here = await createNodeWorld(15, (_, bytes) => {
    const decoded = decodeMessage(bytes)
    if (decoded.ok && decoded.value.type === 'segment' && decoded.value.want === 0) pushes++
  })
  const opened = await openTablets(here, 5)
  await here.world.until(() => opened.every((each) => connectedWith(each).length === 4))
  await here.world.advance(5000)
  await opened[0]?.node.publish([tagged('to four', 'x')])
  await here.world.advance(3000)
  expect(pushes).toBe(4)
  await closeAll(here, opened)
})

test('[R70] [R71] twelve nodes let go of the full mesh, and each gets everything', async () => {
  const here = await createNodeWorld(14)
  const opened = await openTablets(here, 12)
  // All are met as a full mesh first; who is let go of looks again, with a back-off.
  await here.world.advance(30_000)
  const counts = () => opened.map((each) => connectedWith(each).length)
  await here.world.until(() => counts().every((count) => count >= 5 && count <= 8), 120_000)
  console.info(`12 nodes: ${counts().join(' ')} connections`)
  for (const { node, tablet } of opened) await node.publish([tagged(tablet.name, 'x')])
  const all = opened.map(({ tablet }) => tablet.name).toSorted()
  await here.world.advance(3000)
  for (const { node } of opened) expect(sortedTexts(await readAll(node))).toEqual(all)
  for (const { node, tablet } of opened) expect(node.status().peers.map(({ name }) => name).toSorted()).toEqual(all.filter((name) => name !== tablet.name))
  await closeAll(here, opened)
}, 60_000)
