// jsonwebtoken: it knows no JWK, so keys come and go through Node's own.
import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import { algorithmsOf, headerOf, pick, publicKeyOf, serve, versionOf } from './line_server.mjs'

const algorithms = [
  'HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512',
]
const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

serve({
  hello: () => ({ library: `jsonwebtoken ${versionOf('jsonwebtoken')}`, algorithms, can: ['generate', 'publish'] }),
  generate(alg) {
    if (alg.startsWith('HS')) return { jwk: { kty: 'oct', k: randomBytes(64).toString('base64url') } }
    const { privateKey } = alg.startsWith('ES')
      ? generateKeyPairSync('ec', { namedCurve: curves[alg] })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
    return { jwk: privateKey.export({ format: 'jwk' }), pem: privateKey.export({ format: 'pem', type: 'pkcs8' }) }
  },
  publish: ({ jwk }) => ({ jwk: publicKeyOf(jwk).export({ format: 'jwk' }) }),
  sign({ alg, jwk, header, claims }) {
    const key = jwk.kty === 'oct' ? publicKeyOf(jwk) : createPrivateKey({ key: jwk, format: 'jwk' })
    return { token: jsonwebtoken.sign(claims, key, { algorithm: alg, header, noTimestamp: true }) }
  },
  policy: ({ jwks, algs, issuer, audience, now }) => ({
    entries: jwks.keys.map((jwk) => ({ kid: jwk.kid, algs: algorithmsOf(jwk, algs), key: publicKeyOf(jwk) })),
    issuer,
    audience,
    now,
  }),
  check({ entries, issuer, audience, now }, token) {
    const { algs, key } = pick(entries, headerOf(token))
    const claims = jsonwebtoken.verify(token, key, { algorithms: algs, issuer, audience, clockTimestamp: now })
    if (claims.exp === undefined) throw new Error('no exp')  // the library has no switch that demands it
    return claims
  },
})
