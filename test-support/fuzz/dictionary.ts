/** Methods that are none, or that nobody expects. */
export const METHODS = ['HEAD', 'OPTIONS', 'PUT', 'TRACE', 'CONNECT', 'QUERY', 'PROPFIND', 'get', 'GET\t', '']
/** Path segments and values in a query. */
export const SEGMENTS = [
  '1',
  '%00',
  '%zz',
  '%ff',
  '..',
  '../..',
  '__proto__',
  'a'.repeat(5_000),
  '%7B%7D',
  '%F0%9F%98%80',
  '1%2f2',
  '',
]
/** Media types that are not the right one. */
export const TYPES = [
  'text/plain',
  'application/json; charset=utf-16',
  ';',
  'application/json;charset="',
  'é',
  'multipart/form-data',
]
/** JSON that fits no contract, or only just. */
export const BODIES = [
  '',
  'null',
  '[]',
  '{"__proto__":{"price":1},"name":"ab","price":1}',
  '{"constructor":{"prototype":{"x":1}}}',
  '{"name":"a","price":-1}',
  '{"name":"ab","price":1e999}',
  '{"name":"\\ud800","price":1}',
  '{"name":"ab","price":10001}',
  '{"query":1}',
  '{"query":"{ items { id } }","variables":{"a":{"b":{"c":[[[[]]]]}}}}',
  '{"sub":"","scope":7}',
  '{"sub":"eve","scope":"items:read"}',
  '['.repeat(20_000),
  `{"name":"${'a'.repeat(200_000)}","price":1}`,
]

/** Names of fields that something on the way reads. */
export const FIELDS = (
  'Accept Cache-Control If-None-Match If-Modified-Since Range Expect Upgrade Connection X-Forwarded-For Forwarded ' +
  'X-Forwarded-Host X-HTTP-Method-Override Content-Encoding Cookie TE Idempotency-Key Vary ' +
  'X-Request-Id Traceparent __proto__ constructor Proxy DPoP Signature Signature-Input Content-Digest X-API-Key'
).split(' ')

/** Values of fields. */
export const VALUES = [
  '',
  '*',
  '"',
  '"a',
  'W/"a", "b"',
  'bytes=0-18446744073709551616',
  '100-continue',
  'websocket',
  'gzip',
  'identity',
  'only-if-cached',
  'no-store, max-age=-1',
  'max-age=99999999999999999999',
  'no-cache="',
  'Mon, 99 Foo 2026',
  'for="[::1',
  'for=1;host="a,b"',
  '10.0.0.1, 127.1',
  'application/graphql-response+json;q=9',
  'text/html',
  'a\tb',
  '\u0080\u00ff',
  'x'.repeat(9_000),
  ',,,,',
  ';;;',
  'close, keep-alive',
  'Basic Og==',
  'DPoP a.b.c',
  'eyJ0eXAiOiJkcG9wK2p3dCJ9.e30.AA',
  'sig=("@method" "@target-uri" "content-digest";req);created=1e9;keyid="k";alg="none"',
  'sig=();created=-1;expires=999999999999999999',
  'sig=:AA==:, sig=:AA==:',
  'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:, sha-256=::',
  'Bearer a.b.c',
  'DELETE',
]
