// jose: keys, sets and tokens by the library itself.
import * as jose from 'jose'
import { algorithmsOf, pick, serve, versionOf } from './line_server.mjs'

const algorithms = [
  'HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512',
  'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519',
]

function keySource({ jwks, algs }) {
  if (jwks.keys.every((jwk) => jwk.kty !== 'oct' && jwk.kid !== undefined)) return jose.createLocalJWKSet(jwks)
  const entries = jwks.keys.map((jwk) => ({ kid: jwk.kid, jwk, algs: algorithmsOf(jwk, algs) }))
  return (header) => {
    const entry = pick(entries, header)
    if (!entry.algs.includes(header.alg)) throw new Error('the key is for another algorithm')
    return jose.importJWK(entry.jwk, header.alg)
  }
}

serve({
  hello: () => ({ library: `jose ${versionOf('jose')}`, algorithms, can: ['generate', 'publish'] }),
  async generate(alg) {
    if (alg.startsWith('HS')) {
      return { jwk: await jose.exportJWK(await jose.generateSecret(alg, { extractable: true })) }
    }
    const { privateKey } = await jose.generateKeyPair(alg, { extractable: true })
    return { jwk: await jose.exportJWK(privateKey), pem: await jose.exportPKCS8(privateKey) }
  },
  async publish({ alg, jwk }) {
    const { d, p, q, dp, dq, qi, ...open } = jwk
    return { jwk: await jose.exportJWK(await jose.importJWK({ ...open, ext: true }, alg)) }
  },
  async sign({ alg, jwk, header, claims }) {
    const token = await new jose.SignJWT(claims)
      .setProtectedHeader({ alg, ...header })
      .sign(await jose.importJWK(jwk, alg))
    return { token }
  },
  policy: (policy) => ({
    keys: keySource(policy),
    options: {
      algorithms: policy.algs,
      issuer: policy.issuer,
      audience: policy.audience,
      currentDate: new Date(policy.now * 1000),
      requiredClaims: ['exp'],
      clockTolerance: 0,
    },
  }),
  check: async ({ keys, options }, token) => (await jose.jwtVerify(token, keys, options)).payload,
})
