// The part that every peer on Node shares: one JSON request a line on stdin, one JSON answer a line on stdout.
import { createPublicKey, createSecretKey } from 'node:crypto'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

export function versionOf(library) {
  return createRequire(process.cwd() + '/')(`${process.cwd()}/node_modules/${library}/package.json`).version
}

export function publicKeyOf(jwk) {
  if (jwk.kty === 'oct') return createSecretKey(Buffer.from(jwk.k, 'base64url'))
  return createPublicKey({ key: jwk, format: 'jwk' })
}

const families = { oct: ['HS'], RSA: ['RS', 'PS'], EC: ['ES'], OKP: ['Ed'] }

// The algorithms of the policy that a JWK admits: its own, or what its type can do.
export function algorithmsOf(jwk, allowed) {
  const names = jwk.alg === 'EdDSA' ? ['EdDSA', 'Ed25519'] : [jwk.alg]
  return allowed.filter((alg) => (jwk.alg ? names.includes(alg) : families[jwk.kty].includes(alg.slice(0, 2))))
}

// The one entry of a key set that a header asks for; entries are {kid, algs, …}.
export function pick(entries, header) {
  if (entries.length === 1 && entries[0].kid === undefined) return entries[0]
  const fits = entries.filter((e) => (header.kid === undefined ? e.algs.includes(header.alg) : e.kid === header.kid))
  if (fits.length !== 1) throw new Error(`${fits.length} keys fit`)
  return fits[0]
}

export function headerOf(token) {
  const header = JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString())
  if (header === null || typeof header !== 'object') throw new Error('the header is no object')
  return header
}

// peer: { hello(), generate(alg), publish(request), sign(request), policy(policy), check(policy, token) }
export async function serve(peer) {
  let policies = []
  const operations = {
    hello: () => peer.hello(),
    generate: ({ alg }) => peer.generate(alg),
    publish: (request) => peer.publish(request),
    sign: (request) => peer.sign(request),
    verify: async ({ policy, token }) => ({ claims: await peer.check(await peer.policy(policy), token) }),
    policies: async (request) => {
      policies = await Promise.all(request.policies.map((policy) => peer.policy(policy)))
      return {}
    },
    judge: async ({ policy, tokens }) => {
      const answers = []
      for (const token of tokens) {
        try {
          answers.push(await peer.check(policies[policy], token))
        } catch {
          answers.push(null)
        }
      }
      return { answers }
    },
  }
  for await (const line of createInterface({ input: process.stdin })) {
    let answer
    try {
      const request = JSON.parse(line)
      answer = { ok: true, ...(await operations[request.op](request)) }
    } catch (error) {
      answer = { ok: false, error: `${error.code ?? error.name}: ${error.message}` }
    }
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
}
