// @ts-check
/// <reference types="node" />
/**
 * What a gate costs a request, over sockets, beside bare Koa and beside middlewares of npm: `npm run bench:gate`.
 *
 * CPU of the server's process for each request, so that the client does not count. Absolute numbers move by half between
 * minutes on a busy machine. Compare the ratios: contestants take turns.
 */
import { fork } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { contestants } from './gate-contestants.mjs'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 9)
const MILLISECONDS = Number(process.env['BENCH_MS'] ?? 500)
const CONNECTIONS = 16
const TOKENS = 100
const ISSUER = 'https://idp.example/'
const AUDIENCE = 'https://api.example'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const pem = String(publicKey.export({ type: 'spki', format: 'pem' }))
const server = fork(join(import.meta.dirname, 'gate-server.mjs'), [ISSUER, AUDIENCE, pem])
const ports = /** @type {number[]} */ ((await once(server, 'message'))[0])
const requests = await requestsBy(TOKENS)
const field = contestants({ issuer: ISSUER, audience: AUDIENCE, publicKey }).map(({ name, path }, index) => ({
  name,
  port: ports[index] ?? 0,
  requests: requests.map((request) => request.replace('/item', path)),
  micros: /** @type {number[]} */ ([]),
}))

// Warm: what is compiled is, and tokens and answers that are kept are there.
for (let round = 0; round < 2; round += 1) for (const contestant of field) await measure(contestant)
for (let round = 0; round < ROUNDS; round += 1) {
  for (const contestant of field) contestant.micros.push(await measure(contestant))
}
server.disconnect()

const bare = median(field[0]?.micros ?? [])
const lines = [
  '# What a gate costs a request',
  '',
  `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB.`,
  `GET of a small JSON document with one of ${TOKENS} RS256 tokens, over ${CONNECTIONS} kept loopback connections; ${ROUNDS} rounds of ${MILLISECONDS} ms, contestants in turns, medians. CPU of the server's process for each request, what Node and Koa take included; "more" is against bare Koa.`,
  'koa-jwt verifies every token anew; Headgate remembers those it verified, and looks at their time each time. No other cache is measured.',
  '',
  '| | us | more |',
  '| --- | ---: | ---: |',
  ...field.map(({ name, micros }) => {
    const taken = median(micros)
    return `| ${name} | ${taken.toFixed(1)} | ${(taken - bare).toFixed(1)} |`
  }),
]
const folder = join(import.meta.dirname, 'results')
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'gate.md'), `${lines.join('\n')}\n`)
console.log(lines.join('\n'))

/** @param {number} count */
async function requestsBy(count) {
  const tokens = Array.from({ length: count }, (_, index) =>
    new SignJWT({ client_id: 'app', scope: 'items:read', jti: `token-${index}` })
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(`user-${index}`)
      .setIssuedAt()
      .setExpirationTime('2h')
      .sign(privateKey),
  )
  return (await Promise.all(tokens)).map(
    (token) =>
      `GET /item HTTP/1.1\r\nhost: api.example\r\naccept: application/json\r\nuser-agent: bench\r\nauthorization: Bearer ${token}\r\n\r\n`,
  )
}

/** CPU of the server for each request, in microseconds. @param {(typeof field)[number]} contestant */
async function measure({ name, port, requests: sent }) {
  const before = await used()
  const end = performance.now() + MILLISECONDS
  const counts = await Promise.all(
    Array.from({ length: CONNECTIONS }, (_, index) => ask(name, port, sent, index, end)),
  )
  return ((await used()) - before) / counts.reduce((sum, count) => sum + count, 0)
}

async function used() {
  server.send('used')
  return /** @type {number} */ ((await once(server, 'message'))[0])
}

/**
 * Asks over one connection, one request after another, until the end.
 *
 * @param {string} name
 * @param {number} port
 * @param {readonly string[]} sent
 * @param {number} first
 * @param {number} end
 * @returns {Promise<number>}
 */
function ask(name, port, sent, first, end) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1').setNoDelay()
    let count = 0
    let text = ''
    const send = () => socket.write(sent[(first + count) % sent.length] ?? '')
    socket.on('connect', send).on('error', reject)
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
      if (head === -1 || text.length < head + 4 + length) return
      if (!text.startsWith('HTTP/1.1 200')) return reject(new Error(`${name}: ${text.slice(0, 200)}`))
      text = ''
      count += 1
      if (performance.now() < end) send()
      else socket.end(() => resolve(count))
    })
  })
}

/** @param {readonly number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
