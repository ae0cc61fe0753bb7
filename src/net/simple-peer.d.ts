/** As much of simple-peer as is used here. Its main entry does not run in a bundle without polyfills; this file does. */
declare module 'simple-peer/simplepeer.min.js' {
  export interface SimplePeerOptions {
    readonly initiator: boolean
    readonly objectMode: boolean
    readonly trickle: boolean
    readonly config: RTCConfiguration
    readonly channelConfig: RTCDataChannelInit
    readonly channelName: string
    /** Sees the own description before the browser does. */
    readonly sdpTransform?: (sdp: string) => string
  }

  export default class SimplePeer {
    /** Does not throw where the browser refuses a connection: `error` follows, and `_pc` is missing. */
    constructor(options: SimplePeerOptions)
    readonly _pc?: RTCPeerConnection | null
    readonly _channel: RTCDataChannel | null
    on(event: 'connect' | 'close' | '_iceComplete', call: () => void): this
    on(event: 'iceStateChange', call: (connection: RTCIceConnectionState) => void): this
    on(event: 'signal' | 'data', call: (data: unknown) => void): this
    on(event: 'error', call: (error: Error & { readonly code?: string }) => void): this
    /** Throws after `destroy`, and for some malformed candidates. */
    signal(data: object): void
    send(data: Uint8Array): void
    destroy(): void
  }
}
