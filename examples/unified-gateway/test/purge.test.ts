import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Gateway, openGateway } from './gateway.js'

let gateway: Gateway
let token: string

beforeEach(async () => {
  gateway = await openGateway()
  token = await gateway.token('ada')
})

afterEach(() => gateway.close())

/** Reads of the same entities over both protocols, each with what it says of `item-1` and of the list. */
const READS = {
  'GET /items': () => gateway.send('GET', '/items', { token }),
  'GET /items/item-1': () => gateway.send('GET', '/items/item-1', { token }),
  'query items': () => gateway.query('{ items { name price } }', {}, { token }),
  'query item': () => gateway.query('{ item(id: "item-1") { name price } }', {}, { token }),
  'query user': () =>
    gateway.query('{ user(id: "user-1") { orders { item { name price } } } }', {}, { token }),
}
const LISTS = ['GET /items', 'query items'] as const

/** What answered: the store, or the handler. */
async function source(read: keyof typeof READS): Promise<'store' | 'handler'> {
  const { headers } = await READS[read]()
  return headers.get('cache-status')?.includes('hit') ? 'store' : 'handler'
}

async function sources(): Promise<Record<string, 'store' | 'handler'>> {
  const names = Object.keys(READS) as (keyof typeof READS)[]
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await source(name)] as const)))
}

const everywhere = (from: 'store' | 'handler') =>
  Object.fromEntries(Object.keys(READS).map((name) => [name, from]))

describe('a write over one protocol purges what the other answered from it', () => {
  beforeEach(async () => {
    await sources()
    expect(await sources()).toEqual(everywhere('store'))
  })

  test('PATCH', async () => {
    await gateway.send('PATCH', '/items/item-1', { token, json: { price: 35 } })
    for (const read of Object.values(READS)) expect((await read()).text).toContain('35')
  })

  test('updateItem', async () => {
    const update = 'mutation { updateItem(id: "item-1", input: { price: 35 }) { id } }'
    await gateway.query(update, {}, { token })
    for (const read of Object.values(READS)) expect((await read()).text).toContain('35')
  })

  test('DELETE', async () => {
    await gateway.send('DELETE', '/items/item-1', { token })
    expect(await sources()).toEqual(everywhere('handler'))
    for (const read of Object.values(READS)) expect((await read()).text).not.toContain('Desk lamp')
  })

  test('deleteItem', async () => {
    await gateway.query('mutation { deleteItem(id: "item-1") }', {}, { token })
    for (const read of Object.values(READS)) expect((await read()).text).not.toContain('Desk lamp')
  })

  test('POST and createItem change lists only', async () => {
    await gateway.send('POST', '/items', { token, json: { name: 'Chair', price: 120 } })
    for (const list of LISTS) expect((await READS[list]()).text).toContain('Chair')
    expect(await source('GET /items/item-1')).toBe('store')
    expect(await source('query item')).toBe('store')

    const create = 'mutation { createItem(input: { name: "Stool", price: 20 }) { id } }'
    await gateway.query(create, {}, { token })
    for (const list of LISTS) expect((await READS[list]()).text).toContain('Stool')
    expect(await source('GET /items/item-1')).toBe('store')
    expect(await source('query item')).toBe('store')
  })

  test('of another caller too', async () => {
    const grace = await gateway.token('grace')
    await gateway.send('PATCH', '/items/item-1', { token: grace, json: { price: 35 } })
    for (const read of Object.values(READS)) expect((await read()).text).toContain('35')
  })

  test('not when it was refused', async () => {
    await gateway.send('PATCH', '/items/item-1', { token, json: { price: -1 } })
    expect(await sources()).toEqual(everywhere('store'))
  })
})
