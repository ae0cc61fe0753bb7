import { checkProjection, checkSwarmProtocol } from '@actyx/machine-check'
import { createMachineRunner } from '@actyx/machine-runner'
import { Tags, type Actyx as Published } from '@actyx/sdk'
import { afterEach, expect, test } from 'vitest'
import { actyxOf } from '../../src/actyx/actyx.ts'
import { testSwarm, type TestSwarm } from '../../src/testing.ts'
import { cart, CartInitial, chosen, Coming, Done, materialRequest, Open, protocol, station, StationInitial, subscriptions, Taken, Wanted } from './material-request.ts'

// Run as src/pond/WORKFLOWS.md tells it.

const tags = materialRequest.tagWithEntityId('request-1')
const until = (holds: () => unknown) => expect.poll(holds, { timeout: 30_000, interval: 10 })
let swarm: TestSwarm | undefined

afterEach(async () => {
  await swarm?.close()
  swarm = undefined
})

const open = async (floor: TestSwarm, name: string) => {
  const node = await floor.node({ name })
  // The class NodeInfo of the package has private members, which nothing else can have; the runner does not ask for it.
  return { node, actyx: actyxOf(node, { appId: 'com.example.material' }) as unknown as Published }
}

/** Carts whose choice was dropped because another one was first; all anew after time travel. */
const turnBack = ({ events }: Pick<ReturnType<typeof createMachineRunner>, 'events'>): readonly string[] => {
  const carts: string[] = []
  events.on('audit.reset', () => void (carts.length = 0))
  events.on('audit.dropped', ({ event }) => {
    const payload = event.payload as { readonly type?: string; readonly cart?: string }
    if (payload.type === chosen.type && payload.cart !== undefined) carts.push(payload.cart)
  })
  return carts
}

test('the protocol is sound, and each role plays its part of it', () => {
  expect(checkSwarmProtocol(protocol, subscriptions)).toEqual({ type: 'OK' })
  expect(checkProjection(protocol, subscriptions, 'station', station.createJSONForAnalysis(StationInitial))).toEqual({ type: 'OK' })
  expect(checkProjection(protocol, subscriptions, 'cart', cart.createJSONForAnalysis(CartInitial))).toEqual({ type: 'OK' })
  // What is checked is seen to be: a station that does not hear of bids is found.
  expect(checkProjection(protocol, { ...subscriptions, station: ['requested', 'chosen', 'delivered'] }, 'station', station.createJSONForAnalysis(StationInitial)).type).toBe('ERROR')
})

test('[C21] two tablets that choose while apart agree on the first, and know which cart has to turn back', async () => {
  const floor = await testSwarm()
  swarm = floor
  const [front, back, near, far] = [await open(floor, 'Station, front'), await open(floor, 'Station, back'), await open(floor, 'Cart 1'), await open(floor, 'Cart 2')]
  const stations = [front, back].map(({ actyx }) => createMachineRunner(actyx, tags, StationInitial, undefined))
  const carts = [near, far].map(({ actyx }) => createMachineRunner(actyx, tags, CartInitial, undefined))
  const [frontStation, backStation] = stations
  const dropped = [...stations, ...carts].map((runner) => turnBack(runner))
  await until(() => [...stations, ...carts].every((runner) => runner.get() !== null)).toBe(true)

  await frontStation?.get()?.as(StationInitial)?.commands()?.request({ material: 'rods', to: 'Press 1' })
  for (const [at, name] of ['Cart 1', 'Cart 2'].entries()) {
    await until(() => carts[at]?.get()?.as(Wanted)?.payload.bids.length).toBe(at)
    await carts[at]?.get()?.as(Wanted)?.commands()?.bid({ cart: name, seconds: 60 + at })
  }
  await until(() => stations.map((runner) => runner.get()?.as(Open)?.payload.bids.map((each) => each.cart).join())).toEqual(['Cart 1,Cart 2', 'Cart 1,Cart 2'])

  floor.cut(front.node)
  await frontStation?.get()?.as(Open)?.commands()?.choose('Cart 1')
  await backStation?.get()?.as(Open)?.commands()?.choose('Cart 2')
  await until(() => stations.map((runner) => runner.get()?.as(Coming)?.payload.cart)).toEqual(['Cart 1', 'Cart 2'])

  floor.heal(front.node)
  await until(() => dropped.map((names) => names.length)).toEqual([1, 1, 1, 1])
  const winner = frontStation?.get()?.as(Coming)?.payload.cart ?? ''
  const loser = winner === 'Cart 1' ? 'Cart 2' : 'Cart 1'
  expect(stations.map((runner) => runner.get()?.as(Coming)?.payload.cart)).toEqual([winner, winner])
  expect(carts.map((runner) => runner.get()?.as(Taken)?.payload.cart)).toEqual([winner, winner])
  expect(dropped).toEqual([[loser], [loser], [loser], [loser]])

  // The cart that lost turns round, and says so where the station shows it: outside of the protocol, which is over for it.
  const lost = loser === 'Cart 1' ? near : far
  await lost.actyx.publish({ tags: ['turned-back'], event: { cart: loser, request: 'request-1' } })
  await until(async () => (await back.actyx.queryAllKnown({ query: Tags('turned-back') })).events.map(({ payload }) => payload)).toEqual([{ cart: loser, request: 'request-1' }])

  await carts[winner === 'Cart 1' ? 0 : 1]?.get()?.as(Taken)?.commands()?.deliver()
  await until(() => stations.map((runner) => runner.get()?.as(Done)?.payload.cart)).toEqual([winner, winner])
  for (const runner of [...stations, ...carts]) runner.destroy()
})
