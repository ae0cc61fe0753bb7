/**
 * - `HUB-OPTION`: a flag is unknown or its value is of no use
 * - `HUB-PORT`: a port is taken or may not be used
 * - `HUB-DATA`: the data folder cannot be written, or what lies in it cannot be read
 * - `HUB-NETWORK`: this computer has no address that a tablet could open
 * - `HUB-BUILD`: the built app is not there
 */
export type HubErrorCode = 'HUB-OPTION' | 'HUB-PORT' | 'HUB-DATA' | 'HUB-NETWORK' | 'HUB-BUILD'

/** Ends the hub with one line that says what to do. */
export class HubError extends Error {
  override readonly name = 'HubError'
  readonly code: HubErrorCode
  constructor(code: HubErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(`${code}: ${message}`, options)
    this.code = code
  }
}
