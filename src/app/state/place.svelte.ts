/** Where a person is in the app. It stands behind `#` in the address, so that the back key of the tablet works and a reload stays. */
export type Place =
  | { readonly name: 'orders' | 'tablets' | 'copies' | 'invite' | 'pair' | 'import' }
  | { readonly name: 'order'; readonly order: string }

const NAMES = ['orders', 'tablets', 'copies', 'invite', 'pair', 'import'] as const

export const parsePlace = (hash: string): Place => {
  const order = /^#order=(.+)$/.exec(hash)?.[1]
  if (order !== undefined) return { name: 'order', order: decode(order) }
  const name = NAMES.find((each) => hash === `#${each}`)
  return { name: name ?? 'orders' }
}

export const placeToHash = (place: Place): string => (place.name === 'order' ? `#order=${encodeURIComponent(place.order)}` : `#${place.name}`)

/** The invitation in a link, `…#join=<invitation>`, or in what a person pasted; `undefined` when there is none. */
export const invitationIn = (text: string): string | undefined => {
  const inLink = /#join=([^\s&]+)/.exec(text)?.[1]
  const alone = /^\s*([A-Za-z0-9_.~-]{40,})\s*$/.exec(text)?.[1]
  return inLink === undefined ? alone : decode(inLink)
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The address bar as it is used here. */
export type Address = Pick<Window, 'addEventListener' | 'removeEventListener'> & { readonly location: { hash: string } }

export class Places {
  readonly #address: Address
  #hash = $state('')

  constructor(address: Address) {
    this.#address = address
    this.#hash = address.location.hash
    address.addEventListener('hashchange', this.#moved)
  }

  get current(): Place {
    return parsePlace(this.#hash)
  }

  get hash(): string {
    return this.#hash
  }

  readonly go = (place: Place): void => {
    this.#address.location.hash = placeToHash(place)
    this.#hash = this.#address.location.hash
  }

  readonly close = (): void => this.#address.removeEventListener('hashchange', this.#moved)

  readonly #moved = (): void => {
    this.#hash = this.#address.location.hash
  }
}
