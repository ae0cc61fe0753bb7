import { onTestFinished } from 'vitest'
import { commands } from 'vitest/browser'

declare module 'vitest/browser' {
  interface BrowserCommands {
    /** A hub's PeerServer. @param port 0: any that is free. @returns the port */
    readonly startHub: (port: number) => Promise<number>
    readonly stopHub: (port: number) => Promise<void>
  }
}

/** A PeerServer until the end of the test. */
export const startHub = async (): Promise<{ readonly port: number; readonly url: string }> => {
  const port = await commands.startHub(0)
  onTestFinished(() => commands.stopHub(port))
  return { port, url: `http://127.0.0.1:${port}` }
}
