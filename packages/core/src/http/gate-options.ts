import { checkChoice, checkFunction, checkKnown, checkMethods } from '../options.js'
import { KOA_PROXY_CHOICES } from './koa-proxy.js'

const KNOWN = [
  'channels',
  'trustedProxies',
  'identity',
  'operation',
  'requestId',
  'onEvent',
  'expiry',
  'koaProxy',
  'clock',
]

/** @throws TypeError that names the option of a gate which is unknown or can't work. The parts check their own. */
export function checkGateOptions(options: object): void {
  checkKnown('gate', options, KNOWN)
  const given: Partial<Record<string, unknown>> = { ...options }
  for (const hook of ['identity', 'operation', 'onEvent']) {
    if (given[hook] !== undefined) checkFunction(`gate: ${hook}`, given[hook])
  }
  if (given['koaProxy'] !== undefined) checkChoice('gate: koaProxy', given['koaProxy'], KOA_PROXY_CHOICES)
  if (given['clock'] !== undefined) checkMethods('gate: clock', given['clock'], ['now', 'after'])
  checkChannels(given['channels'])
}

function checkChannels(channels: unknown): void {
  if (channels === undefined) return
  if (!Array.isArray(channels)) throw new TypeError('gate: channels must be an array')
  channels.forEach((channel: unknown, index) => {
    checkMethods(`gate: channels[${index}]`, channel, ['accepts', 'describe'])
  })
}
