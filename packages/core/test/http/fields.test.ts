import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { fieldsSince, readFields, writeFields } from '../../src/http/fields.js'

function responseWith(fields: Readonly<Record<string, string | readonly string[]>>): ServerResponse {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  for (const [name, value] of Object.entries(fields)) response.setHeader(name, value)
  return response
}

describe('the handler’s own fields', () => {
  test('are those it set or changed', () => {
    const response = responseWith({ 'x-outer': '1', 'x-both': '1' })
    const before = readFields(response)
    response.setHeader('x-both', '2').setHeader('x-own', ['3', '4'])
    expect(fieldsSince(before, response)).toEqual({ 'x-both': '2', 'x-own': ['3', '4'] })
  })

  test('hold what outer middleware says of freshness, or policies would not see it', () => {
    const outer = { 'cache-control': 'no-store', expires: '0' }
    const response = responseWith(outer)
    expect(fieldsSince(readFields(response), response)).toEqual(outer)
  })
})

describe('an answer is written', () => {
  test('over the fields of outer middleware, and those the handler added are gone', () => {
    const response = responseWith({ 'x-outer': '1', 'x-both': 'outer', 'x-handler': 'gone' })
    writeFields(response, { 'x-outer': '1', 'x-both': 'outer' }, { 'x-both': 'answer', 'x-answer': '2' })
    expect(readFields(response)).toEqual({ 'x-outer': '1', 'x-both': 'answer', 'x-answer': '2' })
  })

  test('with the selecting fields of both', () => {
    const response = responseWith({ vary: 'Origin' })
    writeFields(response, { vary: ['Origin', 'Accept'] }, { vary: 'accept, Accept-Language' })
    expect(response.getHeader('vary')).toBe('Origin, accept, Accept-Language')
  })
})
