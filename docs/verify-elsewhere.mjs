// Another origin checks a token on its own: it knows the issuer and fetches the public keys. ISSUER, AUDIENCE and TOKEN come from the environment.
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { ISSUER: issuer = '', AUDIENCE: audience = 'postern', TOKEN: token = '' } = process.env
const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer))

const { payload } = await jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt', algorithms: ['RS256'] })
console.log(`good until ${new Date(payload.exp * 1_000).toISOString()}, roles ${payload.roles.join()}`)
