// fast-jwt, with its cache off: keys come and go through Node's own.
import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { createSigner, createVerifier } from 'fast-jwt'
import { algorithmsOf, headerOf, pick, publicKeyOf, serve, versionOf } from './line_server.mjs'

const algorithms = [
  'HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512',
  'ES256', 'ES384', 'ES512', 'EdDSA',
]
const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

function freshKey(alg) {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519').privateKey
  if (alg.startsWith('ES')) return generateKeyPairSync('ec', { namedCurve: curves[alg] }).privateKey
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

// The library takes Buffers of a secret, and PEM of everything else.
function materialOf(jwk, key) {
  return jwk.kty === 'oct' ? Buffer.from(jwk.k, 'base64url') : key.export({ format: 'pem', type: 'spki' })
}

serve({
  hello: () => ({ library: `fast-jwt ${versionOf('fast-jwt')}`, algorithms, can: ['generate', 'publish'] }),
  generate(alg) {
    if (alg.startsWith('HS')) return { jwk: { kty: 'oct', k: randomBytes(64).toString('base64url') } }
    const key = freshKey(alg)
    return { jwk: key.export({ format: 'jwk' }), pem: key.export({ format: 'pem', type: 'pkcs8' }) }
  },
  publish: ({ jwk }) => ({ jwk: publicKeyOf(jwk).export({ format: 'jwk' }) }),
  sign({ alg, jwk, header, claims }) {
    const key = jwk.kty === 'oct'
      ? Buffer.from(jwk.k, 'base64url')
      : createPrivateKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'pkcs8' })
    return { token: createSigner({ algorithm: alg, key, header, noTimestamp: true })(claims) }
  },
  policy: ({ jwks, algs, issuer, audience, now }) => ({
    entries: jwks.keys.flatMap((jwk) => {
      const admitted = algorithmsOf(jwk, algs).filter((alg) => algorithms.includes(alg))
      if (admitted.length === 0) return []  // a set may hold keys that are not for us
      const verify = createVerifier({
        key: materialOf(jwk, publicKeyOf(jwk)),
        algorithms: admitted,
        allowedIss: issuer,
        allowedAud: audience,
        clockTimestamp: now * 1000,
        requiredClaims: ['exp', 'iss', 'aud'],
        cache: false,
      })
      return [{ kid: jwk.kid, algs: admitted, verify }]
    }),
  }),
  check: ({ entries }, token) => pick(entries, headerOf(token)).verify(token),
})
