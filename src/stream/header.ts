import type { Lamport, Offset, StreamId, SwarmId } from '../core/ids.ts'

/** What a seal signs: a function of the stream's content up to a batch boundary and of nothing else. FORMAT.md gives its bytes. */
export interface Header {
  readonly swarm: SwarmId
  /** Without branch: public key and stream number. */
  readonly stream: StreamId
  /** Offset of the segment's first event. */
  readonly first: Offset
  /** Events in the body, at least 1. */
  readonly events: number
  readonly firstLamport: Lamport
  readonly lastLamport: Lamport
  readonly bodyBytes: number
  /** Header id of the segment before; 32 zeros for the first. */
  readonly previous: Uint8Array
  /** SHA-256 of the body, not deflated. */
  readonly bodyHash: Uint8Array
  readonly closed: boolean
}

/** A header and the owner's signature over it, as bytes: what lies on disk and travels. */
export interface Sealed {
  /** 18 + 16 + 32 + 4 + 8 + 4 + 8 + 8 + 4 + 32 + 32 + 1 = 167 bytes. */
  readonly header: Uint8Array
  /** Ed25519 signature, 64 bytes. */
  readonly seal: Uint8Array
}
