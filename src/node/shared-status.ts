import type { Environment } from './environment.ts'
import type { NodeStatus, Notice } from './node.ts'

/** What only the tab with the connections knows. */
export type LeaderStatus = Pick<NodeStatus, 'peers' | 'hubs' | 'unreached' | 'online' | 'cutOffSinceMicros' | 'returnAllowed'>

/** `notices`: what is new, or, to who asked, all. */
export interface SharedWord extends LeaderStatus {
  readonly notices: readonly Notice[]
}

/** Hands what the leader knows of the network to the other tabs, so that all screens of a profile say the same. */
export interface SharedStatus {
  readonly post: (word: SharedWord) => void
  /** Wants to hear all. */
  readonly ask: () => void
  readonly close: () => void
}

/** @param asked this tab should post all, if it leads @param heard what the leader knows, if this tab does not lead */
export const createSharedStatus = (environment: Environment, name: string, handlers: { readonly asked: () => void; readonly heard: (word: SharedWord) => void }): SharedStatus => {
  const channel = environment.channel(name)
  const ask = () => channel.post('ask')
  const stop = channel.listen((message) => {
    if (environment.page.state() === 'frozen') return
    if (message === 'ask') return handlers.asked()
    const word = parseWord(message)
    if (word !== undefined) handlers.heard(word)
  })
  const stopWatching = environment.page.listen((change) => {
    if (change === 'resume' || change === 'return') ask()
  })
  ask()
  return {
    ask,
    post: ({ peers, hubs, unreached, online, cutOffSinceMicros, returnAllowed, notices }) => channel.post({ version, peers, hubs, unreached, online, cutOffSinceMicros, returnAllowed, notices }),
    close: () => {
      stop()
      stopWatching()
      channel.close()
    },
  }
}

/** Raised with every change of what is posted: another tab may run another version of the program. */
const version = 4

const parseWord = (message: unknown): SharedWord | undefined => {
  const isWord = typeof message === 'object' && message !== null && 'version' in message && message.version === version
  if (!isWord) return undefined
  const { peers, hubs, unreached, online, cutOffSinceMicros, returnAllowed, notices } = message as unknown as SharedWord
  return { peers, hubs, unreached, online, cutOffSinceMicros, returnAllowed, notices }
}
