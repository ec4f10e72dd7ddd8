import { serve } from '@headgate/core'
import { createInventory, developmentIssuer, type Inventory } from '@headgate-example/inventory'
import { ManualClock } from '@headgate/core/testing'
import { type AppOptions, createApp } from '../src/app.js'
import { type Client, clientOf } from './client.js'

/** A gateway on a socket of its own, with a clock that stands still. */
export interface Gateway extends Client {
  readonly url: string
  readonly clock: ManualClock
  readonly inventory: Inventory
  /** Makes the next creation of an item wait in the middle. */
  hold(): { readonly entered: Promise<void>; readonly release: () => void }
  /** How many items were made, over whichever protocol. */
  readonly created: number
  close(): Promise<void>
}

/** Starts the example's app as it is, with nothing replaced but the time and, if given, where keys come from. */
export async function openGateway(jwks?: AppOptions['tokens']['jwks']): Promise<Gateway> {
  const clock = new ManualClock()
  const issuer = await developmentIssuer({ issuer: 'http://localhost', audience: 'inventory', clock })
  const { items, users } = createInventory()
  let created = 0
  let held: (() => Promise<void>) | undefined
  const inventory: Inventory = {
    users,
    items: {
      ...items,
      async create(draft) {
        await held?.()
        created += 1
        return items.create(draft)
      },
    },
  }
  const app = createApp({
    tokens: { ...issuer.tokens, ...(jwks !== undefined && { jwks }) },
    developmentIssuer: issuer,
    inventory,
    clock,
  })
  const serving = await serve(app, { port: 0 })

  return {
    ...clientOf(serving.url),
    url: serving.url,
    clock,
    inventory,
    get created() {
      return created
    },
    hold() {
      let release!: () => void
      const released = new Promise<void>((resolve) => (release = resolve))
      const entered = new Promise<void>((resolve) => {
        held = () => {
          held = undefined
          resolve()
          return released
        }
      })
      return { entered, release }
    },
    close: () => serving.drain(),
  }
}
