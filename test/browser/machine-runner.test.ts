import { createMachineRunner, MachineEvent, SwarmProtocol } from '@actyx/machine-runner'
import type { Actyx as Published } from '@actyx/sdk'
import { afterEach, expect, test } from 'vitest'
import { actyxOf } from '../../src/actyx/actyx.ts'
import { deleteDatabase } from '../../src/store/idb-schema.ts'
import { openIdbTables } from '../../src/store/idb-tables.ts'
import { createEventStore } from '../../src/store/tables-event-store.ts'
import { testSwarm, type TestSwarm } from '../../src/testing.ts'

// The package as it is published, over nodes that keep their events in IndexedDB.

const requested = MachineEvent.design('requested').withPayload<{ item: string }>()
const taken = MachineEvent.design('taken').withPayload<{ robot: string }>()
const order = SwarmProtocol.make('order', [requested, taken])
const machine = order.makeMachine('robot')
const Initial = machine.designEmpty('Initial').finish()
const Open = machine.designState('Open').withPayload<{ item: string }>().command('take', [taken], (_, robot: string) => [{ robot }]).finish()
const Taken = machine.designState('Taken').withPayload<{ item: string; robot: string }>().finish()
Initial.react([requested], Open, (_, { payload }) => ({ item: payload.item }))
Open.react([taken], Taken, ({ self }, { payload }) => ({ item: self.item, robot: payload.robot }))

const tags = order.tagWithEntityId('4711')
const databases: string[] = []
let swarm: TestSwarm

const openRobot = async (name: string) => {
  const openStore = async (id: Parameters<typeof createEventStore>[1]) => {
    const database = `millpond-test-${name}-${id}`
    databases.push(database)
    return createEventStore(await openIdbTables(database), id)
  }
  const node = await swarm.node({ name, openStore })
  const actyx = actyxOf(node, { appId: 'com.example.robot' })
  // The class NodeInfo has private members, which nothing else can have; the runner does not ask for it.
  const runner = createMachineRunner(actyx as unknown as Published, tags, Initial, undefined)
  const told: string[] = []
  runner.events.on('audit.reset', () => void told.push('reset'))
  runner.events.on('audit.dropped', ({ event }) => void told.push(`dropped ${(event.payload as { robot?: string }).robot ?? event.payload.type}`))
  runner.events.on('change', (state) => void told.push(`now ${state.as(Taken)?.payload.robot ?? state.type}`))
  return { name, node, actyx, runner, told, state: () => runner.get(), robot: () => runner.get()?.as(Taken)?.payload.robot }
}

const until = (holds: () => unknown) => expect.poll(holds, { timeout: 20_000, interval: 10 })

afterEach(async () => {
  await swarm.close()
  for (const database of databases.splice(0)) await deleteDatabase(database)
})

test('[C21] [C25] two machines that both acted while apart agree once together, and the one that lost is told', async () => {
  swarm = await testSwarm()
  const robots = [await openRobot('one'), await openRobot('two')] as const
  const [one, two] = robots
  await until(() => robots.every(({ node }) => node.status().peers.some(({ state }) => state === 'connected'))).toBe(true)
  await one.actyx.publish(tags.apply(requested.make({ item: 'bolts' })))
  await until(() => robots.map(({ state }) => state()?.is(Open))).toEqual([true, true])

  swarm.cut(one.node)
  for (const { name, runner } of robots) await runner.get()?.as(Open)?.commands()?.take(name)
  await until(() => robots.map(({ robot }) => robot())).toEqual(['one', 'two'])

  for (const { told } of robots) told.length = 0
  swarm.heal(one.node)
  await until(async () => (await Promise.all(robots.map(async ({ actyx }) => (await actyx.queryAllKnown({ query: tags })).events.length))).join()).toBe('3,3')
  const { events } = await one.actyx.queryAllKnown({ query: tags })
  const [, first] = events.map(({ meta }) => meta.stream)
  const [winner, loser] = first === `${one.node.nodeId}-0` ? [one, two] : [two, one]
  await until(() => robots.map(({ robot }) => robot())).toEqual([winner.name, winner.name])
  await until(() => loser.told).toEqual(['reset', `dropped ${loser.name}`, `now ${winner.name}`])
  await until(() => winner.told).toContain(`dropped ${loser.name}`)
  expect(winner.told.filter((text) => text.startsWith('now') && text !== `now ${winner.name}`)).toEqual([])
  for (const { runner } of robots) runner.destroy()
}, 60_000)

test('[C8] a runner issues one command after the other, each once the one before has come back', async () => {
  swarm = await testSwarm()
  const one = await openRobot('one')
  await until(() => one.state()?.is(Initial)).toBe(true)
  await one.actyx.publish(tags.apply(requested.make({ item: 'nuts' })))
  await until(() => one.state()?.is(Open)).toBe(true)
  const open = one.runner.get()?.as(Open)
  await open?.commands()?.take('first')
  await until(one.robot).toBe('first')
  expect(open?.commands()).toBeUndefined()
  one.runner.destroy()
  // What comes after it is of no concern to it.
  await one.actyx.publish(tags.apply(taken.make({ robot: 'second' })))
  expect(one.told.filter((text) => text.includes('second'))).toEqual([])
})
