import { afterEach, describe, expect, test } from '@jest/globals'
import { channel } from 'node:diagnostics_channel'
import { closeApps, startApp as start } from '../../../test-support/koa.js'
import type { ReportedEvent } from '../src/events.js'
import type { Policy } from '../src/exchange.js'
import { gate } from '../src/koa.js'

afterEach(closeApps)

function policy(handle: Policy['handle']): Policy {
  return { name: 'test', handle }
}

describe('observers', () => {
  test('get events with the operation they happened in, by hook and by diagnostics channel', async () => {
    const hooked: ReportedEvent[] = []
    const published: unknown[] = []
    const listen = (event: unknown): void => void published.push(event)
    channel('headgate').subscribe(listen)
    const reporting = policy((exchange, next) => {
      exchange.report({ type: 'test.event' } as never)
      return next()
    })
    const { url } = await start(
      gate([reporting], { onEvent: (event) => void hooked.push(event) }),
      (ctx) => void (ctx.body = ''),
    )
    await fetch(`${url}/a/b`)
    channel('headgate').unsubscribe(listen)
    expect(hooked).toEqual([{ type: 'test.event', protocol: 'http', operation: 'GET *' }])
    expect(published).toEqual(hooked)
  })

  const fault = new Error('no counter for this event')
  const throws = (): void => {
    throw fault
  }

  test.each([
    ['throw', throws],
    ['reject', async () => throws()],
  ])('that %s fail no request, and the app hears of it', async (_title, onEvent) => {
    const heard: unknown[] = []
    const behind: Promise<void>[] = []
    const reporting = policy(async (exchange, next) => {
      exchange.report({ type: 'test.event' } as never)
      const reply = await next()
      // As a settlement tells that it is done when the answer is out.
      behind.push(Promise.resolve().then(() => exchange.report({ type: 'test.event' } as never)))
      return reply
    })
    const { url } = await start(
      (ctx, next) => {
        ctx.app.on('error', (error) => heard.push(error))
        return next()
      },
      gate([reporting], { onEvent }),
      (ctx) => void (ctx.body = 'answered'),
    )
    const response = await fetch(url)
    expect([response.status, await response.text()]).toEqual([200, 'answered'])
    await Promise.all(behind)
    expect(heard).toEqual([fault, fault])
  })
})
