// node bench.js LIBRARY DIR: how long a library takes to verify the tokens in DIR and to read their claims. Prints
// `ALG ns`. CPU time of the whole process, since parts of the work are done on other threads of it.
import { createPublicKey, createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';

const [library, directory] = process.argv.slice(2);
const roundMs = 25, rounds = 7;

const read = (payload) => {
  const { iss, sub, aud, exp, iat, jti, email, roles, plan } = payload;
  if (!(iss && sub && aud && exp && iat && jti && email && roles.length === 2 && plan))
    throw new Error('a good token is refused');
};

// Each gives, for an algorithm, a function that verifies once; a promise where the library has no other way.
const issuer = 'https://id.example.com', audience = 'https://api.example.com';
const libraries = {
  jsonwebtoken: async () => {
    const { default: jwt } = await import('jsonwebtoken');
    return (algorithm, key, token) => {
      const options = { algorithms: [algorithm], issuer, audience };
      const prepared = algorithm === 'HS256' ? createSecretKey(key) : createPublicKey(key);
      return () => read(jwt.verify(token, prepared, options));
    };
  },
  jose: async () => {
    const { jwtVerify, importSPKI } = await import('jose');
    return async (algorithm, key, token) => {
      const options = { algorithms: [algorithm], issuer, audience };
      const prepared = algorithm === 'HS256'
        ? await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
        : await importSPKI(key.toString(), algorithm);
      return async () => read((await jwtVerify(token, prepared, options)).payload);
    };
  },
  'fast-jwt': () => fastJwt(false),
  'fast-jwt-cached': () => fastJwt(true),
};

async function fastJwt(cache) {
  const { createVerifier } = await import('fast-jwt');
  return (algorithm, key, token) => {
    const verify = createVerifier({ key, algorithms: [algorithm], allowedIss: issuer, allowedAud: audience, cache });
    return () => read(verify(token));
  };
}

const cpuNs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

async function time(verify, count) {
  const before = cpuNs();
  if (verify() instanceof Promise) for (let i = 1; i < count; i++) await verify();
  else for (let i = 1; i < count; i++) verify();
  return (cpuNs() - before) / count;
}

const prepare = await libraries[library]();
for (const algorithm of ['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA']) {
  const token = readFileSync(`${directory}/${algorithm}.token`, 'utf8');
  const key = readFileSync(`${directory}/${algorithm}.${algorithm === 'HS256' ? 'secret' : 'pem'}`);
  let verify;
  try {
    verify = await prepare(algorithm, key, token);
    await verify();
  } catch (error) {
    console.error(`${library} ${algorithm}: ${error.message}`);
    continue;
  }
  await time(verify, 2000);  // the compiler warms up
  const count = Math.max(20, Math.ceil(roundMs * 1e6 / await time(verify, 500)));
  const took = [];
  for (let round = 0; round < rounds; round++) {
    await breathe();
    took.push(await time(verify, count));
  }
  console.log(algorithm, took.sort((a, b) => a - b)[rounds >> 1].toFixed(1));
}
