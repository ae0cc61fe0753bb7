import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { address, type Floor, hubAddress } from './floor.ts'

/** What can be wrong with a shop floor's network, made in the switch or in the place of one tablet. */

/** An access point that filters multicast: the names behind which browsers hide addresses do not resolve. */
export const filterMulticast = (floor: Floor): Promise<string> => floor.run('switch', 'iptables', '-A', 'FORWARD', '-d', '224.0.0.0/4', '-j', 'DROP')

/** An access point that keeps its clients apart: these tablets reach the hub and not each other. */
export const isolate = async (floor: Floor, how: 'on' | 'off', ...tablets: readonly number[]): Promise<void> => {
  for (const n of tablets) await floor.run('switch', 'bridge', 'link', 'set', 'dev', `v${n}`, 'isolated', how)
}

/** Nothing goes between a tablet of one part and one of the other any more. */
export const part = async (floor: Floor, one: readonly number[], other: readonly number[]): Promise<void> => {
  for (const a of one) {
    for (const b of other) {
      await floor.run('switch', 'iptables', '-A', 'FORWARD', '-s', address(a), '-d', address(b), '-j', 'DROP')
      await floor.run('switch', 'iptables', '-A', 'FORWARD', '-s', address(b), '-d', address(a), '-j', 'DROP')
    }
  }
}

/** Undoes `filterMulticast` and `part`. */
export const heal = (floor: Floor): Promise<string> => floor.run('switch', 'iptables', '-F', 'FORWARD')

/** A firewall on one tablet that lets no UDP in. */
export const dropUdp = async (floor: Floor, how: 'on' | 'off', n: number): Promise<void> => {
  await floor.run(`tablet${n}`, 'iptables', how === 'on' ? '-A' : '-D', 'INPUT', '!', '-i', 'lo', '-p', 'udp', '-j', 'DROP')
}

/** A network that gives this tablet no gateway. The next `link(n).up()` brings it back. */
export const dropGateway = (floor: Floor, n: number): Promise<string> => floor.run(`tablet${n}`, 'ip', 'route', 'delete', 'default')

/** So many of the packets that come to this tablet, and as many of those that leave it, get lost. */
export const losePackets = async (floor: Floor, n: number, share: number): Promise<void> => {
  for (const way of [['INPUT', '-i', 'eth1'], ['OUTPUT', '-o', 'eth1']]) {
    await floor.run(`tablet${n}`, 'iptables', '-A', ...way, '-m', 'statistic', '--mode', 'random', '--probability', String(share), '-j', 'DROP')
  }
}

/** A link that carries no more than this in either direction. */
export const slowDown = async (floor: Floor, n: number, rate: string): Promise<void> => {
  const shape = ['root', 'tbf', 'rate', rate, 'burst', '32kbit', 'latency', '400ms']
  await floor.run(`tablet${n}`, 'tc', 'qdisc', 'add', 'dev', 'eth1', ...shape)
  await floor.run('switch', 'tc', 'qdisc', 'add', 'dev', `v${n}`, ...shape)
}

/** Another program of the hub's computer has the port: a hub that is started now answers no STUN. @returns what ends that program */
export const takeStunPort = async (floor: Floor, port: number): Promise<() => void> => {
  const [ip = '', ...rest] = floor.through('hub')
  const program = `require('dgram').createSocket('udp4').bind({ port: ${port}, address: '${hubAddress}', exclusive: true }, () => console.log('bound'))`
  const child = spawn(ip, [...rest, process.execPath, '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return () => child.kill()
}
