import { MachineEvent, SwarmProtocol } from '@actyx/machine-runner'

/**
 * A machine needs material; several carts bid, the one that asked takes one of them, and that one brings it.
 *
 * While tablets are apart two carts may both have been taken: the first by the order of events has won. The other one's events are dropped,
 * but its cart may be on its way already: what was dropped says who has to turn back.
 */
export const requested = MachineEvent.design('requested').withPayload<{ readonly material: string; readonly to: string }>()
export const bid = MachineEvent.design('bid').withPayload<{ readonly cart: string; readonly seconds: number }>()
export const chosen = MachineEvent.design('chosen').withPayload<{ readonly cart: string }>()
export const delivered = MachineEvent.design('delivered').withPayload<{ readonly cart: string }>()

export const materialRequest = SwarmProtocol.make('materialRequest', [requested, bid, chosen, delivered])

interface Bid {
  readonly cart: string
  readonly seconds: number
}

interface Request {
  readonly material: string
  readonly to: string
}

// The tablet at the machine that needs something.
export const station = materialRequest.makeMachine('station')
export const StationInitial = station.designEmpty('Initial').command('request', [requested], (_, request: Request) => [request]).finish()
export const Open = station.designState('Open').withPayload<Request & { readonly bids: readonly Bid[] }>().command('choose', [chosen], (_, cart: string) => [{ cart }]).finish()
export const Coming = station.designState('Coming').withPayload<Request & { readonly cart: string }>().finish()
export const Done = station.designState('Done').withPayload<Request & { readonly cart: string }>().finish()
StationInitial.react([requested], Open, (_, { payload }) => ({ ...payload, bids: [] }))
Open.react([bid], Open, ({ self }, { payload }) => ({ ...self, bids: [...self.bids, payload] }))
Open.react([chosen], Coming, ({ self: { material, to } }, { payload }) => ({ material, to, cart: payload.cart }))
Coming.react([delivered], Done, ({ self }) => self)

// The tablet on a cart.
export const cart = materialRequest.makeMachine('cart')
export const CartInitial = cart.designEmpty('Initial').finish()
export const Wanted = cart.designState('Wanted').withPayload<Request & { readonly bids: readonly Bid[] }>().command('bid', [bid], (_, offer: Bid) => [offer]).finish()
export const Taken = cart.designState('Taken').withPayload<Request & { readonly cart: string }>().command('deliver', [delivered], ({ self }) => [{ cart: self.cart }]).finish()
export const Brought = cart.designState('Brought').withPayload<Request & { readonly cart: string }>().finish()
CartInitial.react([requested], Wanted, (_, { payload }) => ({ ...payload, bids: [] }))
Wanted.react([bid], Wanted, ({ self }, { payload }) => ({ ...self, bids: [...self.bids, payload] }))
Wanted.react([chosen], Taken, ({ self: { material, to } }, { payload }) => ({ material, to, cart: payload.cart }))
Taken.react([delivered], Brought, ({ self }) => self)

/** The protocol as `@actyx/machine-check` wants it: who may say what, when. */
export const protocol = {
  initial: 'Initial',
  transitions: [
    { source: 'Initial', target: 'Open', label: { cmd: 'request', logType: ['requested'], role: 'station' } },
    { source: 'Open', target: 'Open', label: { cmd: 'bid', logType: ['bid'], role: 'cart' } },
    { source: 'Open', target: 'Coming', label: { cmd: 'choose', logType: ['chosen'], role: 'station' } },
    { source: 'Coming', target: 'Done', label: { cmd: 'deliver', logType: ['delivered'], role: 'cart' } },
  ],
}

const all = ['requested', 'bid', 'chosen', 'delivered']
/** Which events a role reads: all, for a later one says which of the earlier ones hold. */
export const subscriptions = { station: all, cart: all }
