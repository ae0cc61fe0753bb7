import type { Environment } from './environment.ts'
import type { NodeStatus } from './node.ts'

/** What only the tab with the connections knows. */
export type LeaderStatus = Pick<NodeStatus, 'peers' | 'hubs' | 'cutOffSinceMicros' | 'returnAllowed'>

/** Hands what the leader knows of the network to the other tabs, so that all screens of a profile say the same. */
export interface SharedStatus {
  readonly post: (status: LeaderStatus) => void
  readonly close: () => void
}

/** @param asked this tab should post, if it leads @param heard what the leader knows, if this tab does not lead */
export const createSharedStatus = (environment: Environment, name: string, handlers: { readonly asked: () => void; readonly heard: (status: LeaderStatus) => void }): SharedStatus => {
  const channel = environment.channel(name)
  const stop = channel.listen((message) => {
    if (environment.page.state() === 'frozen') return
    if (message === 'ask') return handlers.asked()
    const status = parseStatus(message)
    if (status !== undefined) handlers.heard(status)
  })
  const stopWatching = environment.page.listen((change) => {
    if (change === 'resume' || change === 'return') channel.post('ask')
  })
  channel.post('ask')
  return {
    post: ({ peers, hubs, cutOffSinceMicros, returnAllowed }) => channel.post({ version, peers, hubs, cutOffSinceMicros, returnAllowed }),
    close: () => {
      stop()
      stopWatching()
      channel.close()
    },
  }
}

/** Raised with every change of what is posted: another tab may run another version of the program. */
const version = 2

const parseStatus = (message: unknown): LeaderStatus | undefined => {
  const isStatus = typeof message === 'object' && message !== null && 'version' in message && message.version === version
  return isStatus ? (message as unknown as LeaderStatus) : undefined
}
