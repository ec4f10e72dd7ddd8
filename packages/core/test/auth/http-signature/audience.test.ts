import { describe, expect, test } from '@jest/globals'
import { chain, signed } from './signing.js'

/** A request to this origin, signed for that one. */
function request(origin: string, signedFor: string): ReturnType<typeof signed> {
  return { ...signed({ url: `${signedFor}/payments` }), origin }
}

describe('a signature for', () => {
  const [own, other] = ['https://api.example', 'https://other.example']

  test('another service is no good here, whatever the request says of itself', async () => {
    const gate = chain({ origin: own })
    expect(await gate.verdict(request(other, other))).toBe('bad-signature')
    expect(await gate.verdict(request(own, other))).toBe('bad-signature')
    expect(await gate.verdict(request(other, own))).toBe('accepted')
  })

  test('one of several origins is good where the request came to it, or to none of them', async () => {
    const options = { origin: [own, 'https://api.example:8443'] }
    const second = 'https://api.example:8443'
    expect(await chain(options).verdict(request(own, own))).toBe('accepted')
    expect(await chain(options).verdict(request(second, second))).toBe('accepted')
    expect(await chain(options).verdict(request('http://inside', own))).toBe('accepted')
    expect(await chain(options).verdict(request(own, second))).toBe('bad-signature')
    expect(await chain(options).verdict(request(second, own))).toBe('bad-signature')
    expect(await chain(options).verdict(request(other, other))).toBe('bad-signature')
  })

  test('the origin of the request is good where that is asked', async () => {
    expect(await chain({ origin: 'request' }).verdict(request(other, other))).toBe('accepted')
    expect(await chain({ origin: 'request' }).verdict(request(other, own))).toBe('bad-signature')
  })

  test.each(['https://API.example', 'https://api.example:443'])('%s is the same', async (origin) => {
    expect(await chain({ origin }).verdict(request('http://inside', own))).toBe('accepted')
  })

  test.each(['@authority', '@scheme'])(
    'the part %s of an origin holds it as the whole address does',
    async (part) => {
      const components = [`"${part}"`, '"content-digest"', '"idempotency-key"']
      const sent = {
        ...signed({ url: `${part === '@scheme' ? 'http://api.example' : other}/payments`, components }),
        origin: other,
      }
      expect(await chain({ origin: own, components: [part] }).verdict(sent)).toBe('bad-signature')
    },
  )
})
