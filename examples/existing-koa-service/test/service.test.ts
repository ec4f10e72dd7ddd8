import { readFile } from 'node:fs/promises'
import { apiKeyDigest, memoryApiKeys, serve, type Serving } from '@headgate/core'
import { afterEach, describe, expect, test } from '@jest/globals'
import { createApp as createAppAfter } from '../src/after.js'
import { createApp as createAppBefore } from '../src/before.js'
import { applyDiff } from './apply-diff.js'

const KEY = 'bookings-test-key-1'
const apiKeys = memoryApiKeys([{ digest: apiKeyDigest(KEY), keyId: 'test', subject: 'front-desk' }])
const BOOKING = JSON.stringify({ room: '101', guest: 'Ada' })

const running: Serving[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((serving) => serving.drain()))
})

type Send = (
  method: string,
  path: string,
  body?: string,
  headers?: Record<string, string>,
) => Promise<Response>

async function open(createApp: () => ReturnType<typeof createAppBefore>): Promise<Send> {
  const serving = await serve(createApp(), { port: 0 })
  running.push(serving)
  return (method, path, body, headers) =>
    fetch(serving.url + path, {
      method,
      body: body ?? null,
      headers: { 'content-type': 'application/json', 'x-api-key': KEY, ...headers },
    })
}

describe.each([
  ['before', createAppBefore],
  ['after', () => createAppAfter(apiKeys)],
])('the service %s the gate', (_when, createApp) => {
  test('takes, shows and drops bookings', async () => {
    const send = await open(createApp)
    const made = await send('POST', '/bookings', BOOKING)
    const booking = (await made.json()) as { id: string }
    const address = made.headers.get('location') ?? ''
    expect(made.status).toBe(201)
    expect(booking).toMatchObject({ room: '101', guest: 'Ada' })

    const shown = await send('GET', address)
    expect(shown.headers.get('cache-control')).toBe('private, max-age=60')
    expect(await shown.json()).toEqual(booking)

    expect((await send('DELETE', address)).status).toBe(204)
    const gone = await send('GET', address)
    expect(gone.status).toBe(404)
    expect(await gone.text()).toBe('There is no such booking.')
  })

  test('refuses what is no booking', async () => {
    const send = await open(createApp)
    expect((await send('POST', '/bookings', '{"room":"101"}')).status).toBe(422)
    expect((await send('POST', '/bookings', '{"room"')).status).toBe(400)
    expect((await send('POST', '/bookings', 'null')).status).toBe(422)
  })
})

describe('what the gate adds without a change of a handler', () => {
  test('a caller must be known', async () => {
    const send = await open(() => createAppAfter(apiKeys))
    expect(
      (await send('GET', '/bookings/1', undefined, { 'x-api-key': 'wrong-key-of-some-length' })).status,
    ).toBe(401)
  })

  test('a retry makes no second booking', async () => {
    const send = await open(() => createAppAfter(apiKeys))
    const first = await send('POST', '/bookings', BOOKING, { 'idempotency-key': 'k1' })
    const again = await send('POST', '/bookings', BOOKING, { 'idempotency-key': 'k1' })
    expect(again.status).toBe(201)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(await again.text()).toBe(await first.text())
  })

  test('a booking is read from the cache as long as it says, and not once it is dropped', async () => {
    const send = await open(() => createAppAfter(apiKeys))
    const address = (await send('POST', '/bookings', BOOKING)).headers.get('location') ?? ''
    await send('GET', address)
    expect((await send('GET', address)).headers.get('cache-status')).toContain('hit')
    await send('DELETE', address)
    expect((await send('GET', address)).status).toBe(404)
  })

  test('every answer says what is left of the budget', async () => {
    const send = await open(() => createAppAfter(apiKeys))
    expect((await send('GET', '/bookings/1')).headers.get('ratelimit')).toMatch(/^"caller";r=\d+/)
  })
})

test('gate.diff is exactly the difference', async () => {
  const names = ['src/before.ts', 'src/after.ts', 'gate.diff']
  const files = names.map((name) => readFile(new URL(`../${name}`, import.meta.url), 'utf8'))
  const [before = '', after, diff = ''] = await Promise.all(files)
  expect(applyDiff(before, diff)).toBe(after)
})
