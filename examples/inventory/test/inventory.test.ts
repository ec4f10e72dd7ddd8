import { describe, expect, test } from '@jest/globals'
import { createInventory, HIGHEST_PRICE, ItemCreate, ItemPatch } from '../src/index.js'

describe('items', () => {
  test('a new item has an id of its own and is active', async () => {
    const { items } = createInventory()
    const first = await items.create({ name: 'Chair', price: 120 })
    const second = await items.create({ name: 'Chair', price: 120 })

    expect(first).toMatchObject({ name: 'Chair', price: 120, status: 'active' })
    expect(first.id).not.toBe(second.id)
    expect(await items.get(first.id)).toEqual(first)
  })

  test('what costs more than the limit needs approval, when made and when changed', async () => {
    const { items } = createInventory()
    const message = 'High-value items require manual approval workflow.'

    await expect(items.create({ name: 'Crown', price: HIGHEST_PRICE + 0.01 })).rejects.toThrow(message)
    await expect(items.update('item-1', { price: HIGHEST_PRICE + 1 })).rejects.toThrow(message)
    await expect(items.create({ name: 'Safe', price: HIGHEST_PRICE })).resolves.toMatchObject({
      price: HIGHEST_PRICE,
    })
    expect((await items.get('item-1'))?.price).toBe(39.5)
  })

  test('a change keeps what it does not name', async () => {
    const { items } = createInventory()
    expect(await items.update('item-1', { price: 35 })).toMatchObject({ name: 'Desk lamp', price: 35 })
    expect(await items.update('nothing', { price: 35 })).toBeUndefined()
  })

  test('a removed item is gone', async () => {
    const { items } = createInventory()
    expect(await items.remove('item-1')).toBe(true)
    expect(await items.remove('item-1')).toBe(false)
    expect((await items.list(10)).map(({ id }) => id)).toEqual(['item-2', 'item-3'])
  })
})

describe('contracts', () => {
  test.each([
    ['a short name', { name: 'a', price: 1 }, ['name']],
    ['a long name', { name: 'a'.repeat(101), price: 1 }, ['name']],
    ['spaces for a name', { name: '    ', price: 1 }, ['name']],
    ['no price, no name', {}, ['name', 'price']],
    ['a price of nothing', { name: 'Chair', price: 0 }, ['price']],
    ['a price in words', { name: 'Chair', price: '12' }, ['price']],
    ['an empty category', { name: 'Chair', price: 1, category: '' }, ['category']],
  ])('a new item with %s is refused', (_why, input, fields) => {
    const { error } = ItemCreate.safeParse(input)
    expect(error?.issues.map(({ path }) => path[0])).toEqual(fields)
  })

  test('the bounds themselves are allowed', () => {
    for (const name of ['ab', 'a'.repeat(100)]) {
      expect(ItemCreate.safeParse({ name, price: Number.MIN_VALUE }).success).toBe(true)
    }
  })

  test('a member that does not exist is refused: a typo must not be lost', () => {
    expect(ItemCreate.safeParse({ name: 'Chair', price: 1, catgory: 'seats' }).success).toBe(false)
    expect(ItemPatch.safeParse({ id: 'other' }).success).toBe(false)
  })

  test('a change names at least one member', () => {
    expect(ItemPatch.safeParse({}).success).toBe(false)
    expect(ItemPatch.safeParse({ price: 3 }).success).toBe(true)
  })
})
