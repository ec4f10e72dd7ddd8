import { PassThrough, Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { type Copy, tee } from '../../src/cache/tee.js'

function copies(source: Readable, limit = 1_000): { readonly through: Readable; readonly copied: Copy[] } {
  const copied: Copy[] = []
  return { through: tee(source, limit, (copy) => void copied.push(copy)), copied }
}

test('every byte in any chunks arrives and is copied', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 })), async (chunks) => {
      const { through, copied } = copies(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), 10_000)
      const whole = Buffer.concat(chunks)
      expect(Buffer.concat(await through.toArray())).toEqual(whole)
      expect(copied).toEqual([whole])
    }),
  )
})

test('the first chunk arrives before the second is written', async () => {
  const source = new PassThrough()
  const { through, copied } = copies(source)
  source.write('first')
  const [chunk] = await through.take(1).toArray()
  expect(String(chunk)).toBe('first')
  expect(copied).toEqual(['truncated'])
})

test('content over the limit arrives and is not copied', async () => {
  const { through, copied } = copies(Readable.from([Buffer.alloc(6), Buffer.alloc(6)]), 10)
  expect(Buffer.concat(await through.toArray())).toHaveLength(12)
  expect(copied).toEqual(['too-large'])
})

test('a client that leaves ends the source and drops the copy', async () => {
  const source = new PassThrough()
  const { through, copied } = copies(source)
  source.write('part')
  through.destroy()
  await setImmediate()
  expect(source.destroyed).toBe(true)
  expect(copied).toEqual(['truncated'])
})

test('a source that fails fails the reader and drops the copy', async () => {
  const source = new PassThrough()
  const { through, copied } = copies(source)
  source.write('part')
  source.destroy(new Error('broken'))
  await expect(through.toArray()).rejects.toThrow('broken')
  expect(copied).toEqual(['truncated'])
})

test('a source that is cut without an error is no whole content', async () => {
  const source = new PassThrough()
  const { through, copied } = copies(source)
  source.write('part')
  source.destroy()
  await expect(through.toArray()).rejects.toThrow()
  expect(copied).toEqual(['truncated'])
})
