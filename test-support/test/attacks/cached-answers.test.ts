import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { adding, PROTOCOLS } from '../../attacks/protocols.js'
import { openTarget, type Target } from '../../attacks/target.js'
import type { Sent } from '../../attacks/wire.js'

describe.each(PROTOCOLS)('over $name, cache leak, poisoning, deception', (protocol) => {
  let target: Target
  beforeAll(async () => {
    target = await openTarget()
  })
  afterAll(() => target.close())

  test('an answer is its caller’s alone, and says so to every cache on the way', async () => {
    const [ann, bob] = [await target.bearer('ann'), await target.bearer('bob')]
    for (const round of ['miss', 'hit']) {
      for (const [caller, name] of [
        [ann, 'ann'],
        [bob, 'bob'],
      ] as const) {
        const got = await target.send(protocol.ask('me'), caller)
        expect([got.status, got.text]).toEqual([200, expect.stringContaining(name)])
        expect(got.fields['cache-status']).toContain(round === 'hit' ? 'hit' : 'fwd=')
        expect(got.fields['cache-control']).toMatch(/private|no-store/)
      }
    }
    for (const stranger of [[], [['X-API-Key', 'hg_nobody_0123456789']], [['Cookie', 'a=b']]] as const) {
      for (const condition of [
        [],
        [['If-None-Match', '*']],
        [['Cache-Control', 'only-if-cached']],
      ] as const) {
        const got = await target.send(protocol.ask('me'), ...stranger, ...condition)
        expect([got.status, got.text]).toEqual([401, expect.not.stringContaining('ann')])
      }
    }
  })

  test('an answer with scopes is not that of the same caller without them', async () => {
    const wide = await target.bearer('eve', 'admin')
    expect((await target.send(protocol.ask('admin'), wide)).status).toBe(200)
    expect((await target.send(protocol.ask('me'), wide)).fields['cache-status']).not.toContain('hit')
    const narrow = await target.bearer('eve', 'notes:write')
    expect((await target.send(protocol.ask('admin'), narrow)).status).toBe(403)
    expect((await target.send(protocol.ask('me'), narrow)).fields['cache-status']).not.toContain('hit')
  })

  test('what one client writes never reaches the public answer of another', async () => {
    const evil = 'evil.example'
    const good = async (): Promise<void> => {
      const got = await target.send(protocol.ask('home'))
      expect([got.status, got.text]).toEqual([200, expect.stringContaining('http://api.example')])
      expect(`${got.text}${JSON.stringify(got.fields)}`).not.toMatch(/evil|6\.6\.6\.6|https:/)
    }
    const poison: readonly NonNullable<Sent['fields']>[] = [
      [['Host', evil]],
      [['Host', `api.example.${evil}`]],
      [['Host', `api.example@${evil}`]],
      [['X-Forwarded-Host', evil]],
      [['X-Forwarded-Proto', 'https']],
      [['X-Forwarded-Scheme', 'nothttps']],
      [['X-Forwarded-For', '6.6.6.6']],
      [['Forwarded', `for=6.6.6.6;host=${evil};proto=https`]],
      [
        ['X-Host', evil],
        ['X-Forwarded-Server', evil],
        ['X-Original-Host', evil],
      ],
      [['X-HTTP-Method-Override', 'HEAD']],
      [['Range', 'bytes=0-1']],
      [['Accept', 'text/plain;q=0']],
      [['Accept-Encoding', 'br;q=9, evil']],
      [['X-Long', 'x'.repeat(12_000)]],
      [
        ['If-None-Match', '"evil"'],
        ['If-Modified-Since', 'Mon, 01 Jan 2035 00:00:00 GMT'],
      ],
      [['Cache-Control', 'max-age=0, no-store="evil"']],
      [
        ['Content-Type', 'application/json'],
        ['Content-Length', '4'],
      ],
    ]
    for (const fields of poison) {
      // A new time: what is stored before is gone, and the attacker comes first.
      await target.clock.advance(120_000)
      const body = fields.some(([name]) => name === 'Content-Length') ? { body: 'evil' } : {}
      await target.send({ ...adding(protocol.ask('home'), ...fields), ...body })
      await good()
      await good()
    }
    // An absolute-form target names a host too, and the Host field another.
    const { target: path, fields = [] } = protocol.ask('home')
    await target.clock.advance(120_000)
    await target.send({ method: 'GET', target: `http://${evil}${path}`, fields })
    await good()
  })

  test('what looks like a file is not kept for strangers', async () => {
    const ann = await target.bearer('ann')
    const { target: path } = protocol.ask('me')
    const [bare = '', query = ''] = path.split('?')
    const ends = [
      '.css',
      '/x.css',
      '%0a.css',
      ';x.css',
      '%23.css',
      '%3f.css',
      '/..%2fx.js',
      '/%2e%2e/x.ico',
      '//x.png',
    ]
    for (const end of ends) {
      for (const spelling of [`${bare}${end}?${query}`, `${path}${path.includes('?') ? '&' : '?'}x=${end}`]) {
        await target.send({ method: 'GET', target: spelling }, ann)
        const stranger = await target.send({ method: 'GET', target: spelling })
        expect([spelling, stranger.status < 400]).toEqual([spelling, false])
        expect(stranger.text).not.toContain('ann')
      }
    }
  })
})
