import { tableNames, type Key, type TableName } from '../../src/store/tables.ts'
import { openMemoryStore, type MemoryDisk } from '../../src/store/memory-event-store.ts'
import type { Node } from '../../src/node/node.ts'
import { copyDisk, createNodeWorld, payloads, readAll, tagged, type NodeWorld } from './world.ts'

/** What a disk may do to a record. */
export const DAMAGES = ['unreadable', 'missing', 'cut short', 'altered', 'another'] as const
export type Damage = (typeof DAMAGES)[number]

export interface Shift {
  readonly nodes: NodeWorld
  readonly mine: MemoryDisk
  readonly theirs: MemoryDisk
  readonly ownId: string
  /** What both hold, in order. */
  readonly all: readonly unknown[]
}

export type RecordPlace = readonly [TableName, Key]

/** Two tablets that hold the same closed and open segments, each one's own and the other's, and are off. */
export const workShift = async (): Promise<Shift> => {
  const nodes = await createNodeWorld()
  const [mine, theirs] = [nodes.tablet(), nodes.tablet()]
  const [{ node }, { node: far }] = [await mine.open(), await theirs.open()]
  const pad = '.'.repeat(9_000)
  for (let at = 0; at < 9; at++) await Promise.all([node.publish([tagged({ mine: at, pad }, `tag ${at}`)]), far.publish([tagged({ theirs: at, pad }, `tag ${at}`)])])
  await nodes.world.until(async () => (await readAll(node)).length === 18 && (await readAll(far)).length === 18)
  const all = payloads(await readAll(far))
  for (const each of [node, far]) await each.close()
  await nodes.world.settle()
  return { nodes, mine: mine.disk, theirs: theirs.disk, all, ownId: node.nodeId }
}

/** All but the bytes of the layers above, and the end of the own tail: gone without a trace, it makes an older disk. */
export const recordsOf = ({ mine, ownId }: Shift, how: Damage): readonly RecordPlace[] =>
  tableNames
    .filter((table) => table !== 'local')
    .flatMap((table) => mine.entries(table).map(([key]) => [table, key] as const))
    .filter(([table, key]) => how !== 'missing' || table !== 'tail' || !JSON.stringify(key).includes(ownId))

/** Opens copies of both disks, one damaged and out of reach at first, and records on it. @returns what it told, once both hold everything again */
export const surviveDamage = async (shift: Shift, [table, key]: RecordPlace, how: Damage): Promise<readonly string[]> => {
  const { nodes, mine, theirs, all } = shift
  const [near, other] = [nodes.tablet(), nodes.tablet()]
  const disk = await copyDisk(mine)
  await damage(disk, table, key, how)
  const { node: far } = await other.open({}, { store: openMemoryStore(await copyDisk(theirs), nodes.swarm.id) })
  nodes.network.cut(near.name)
  const { node } = await near.open({}, { store: openMemoryStore(disk, nodes.swarm.id) })
  await node.publish([tagged('goes on')])
  nodes.network.heal(near.name)
  const wanted = JSON.stringify([...all, 'goes on'])
  for (let seconds = 0; !(await holds(node, wanted)) || !(await holds(far, wanted)); seconds += 5) {
    if (seconds > 300) throw new Error(`${how} ${table} ${JSON.stringify(key)}: not whole after 300 s; told ${JSON.stringify(node.status().notices)}`)
    await nodes.world.advance(5_000)
  }
  const codes = new Set(node.status().notices.map(({ code }) => code))
  for (const each of [node, far]) await each.close()
  await nodes.world.settle()
  return [...codes]
}

/** A read that meets the damage fails, and finds what was fetched again the next time. */
const holds = async (node: Node, wanted: string): Promise<boolean> => {
  const events = await readAll(node).catch(() => [])
  return JSON.stringify(payloads(events)) === wanted
}

const damage = async (disk: MemoryDisk, table: TableName, key: Key, how: Damage): Promise<void> => {
  if (how === 'unreadable') return disk.spoil(table, key)
  if (how === 'missing') return disk.remove(table, key)
  const tables = disk.open()
  await tables.run({ tables: [table], mode: 'readwrite', durability: 'strict' }, async (transaction) => {
    transaction.put(table, key, how === 'another' ? 'not what was written' : harmed(await transaction.get(table, key), how))
  })
  await tables.close()
}

const harmed = (value: unknown, how: 'cut short' | 'altered'): unknown => {
  if (value instanceof Uint8Array) return how === 'cut short' ? value.slice(0, value.length - 40) : value.map((byte, at) => (at === value.length >> 1 ? byte ^ 1 : byte))
  if (typeof value === 'object' && value !== null) return how === 'cut short' ? {} : Object.fromEntries(Object.entries(value).map(([name, item]) => [name, typeof item === 'number' ? item + 3 : item]))
  return how === 'cut short' ? undefined : 'altered'
}
