import type { Exchange, Scenario } from './exchange.ts'
import { type Service, signIn, signUp } from './service.ts'

const json = { 'content-type': 'application/json' }

/** What is measured. The first is the baseline: a route that does nothing. */
export async function prepareScenarios(service: Service): Promise<[Scenario, ...Scenario[]]> {
  // Three people: each login beyond the fiftieth ends its owner's oldest session.
  const checking = await signUp(service)
  const refreshing = await signUp(service)
  const signingIn = await signUp(service)
  const { access_token } = await signIn(service.url, checking)
  return [
    same('GET /healthz', 50, 10, get('/healthz')),
    same('GET /.well-known/jwks.json', 50, 10, get('/.well-known/jwks.json')),
    same('GET /v1/verify', 50, 10, get('/v1/verify', { authorization: `Bearer ${access_token}` })),
    {
      name: 'POST /v1/refresh',
      rate: 20,
      connections: 8,
      async begin(inFlight) {
        const tokens: string[] = []
        while (tokens.length < inFlight) tokens.push((await signIn(service.url, refreshing)).refresh_token)
        return {
          next() {
            // The one that rested longest: nobody's turn comes twice at once.
            const token = tokens.shift()
            if (token === undefined) throw new Error('more refreshes are under way than sessions were opened')
            return {
              method: 'POST',
              path: '/v1/refresh',
              headers: json,
              body: JSON.stringify({ refresh_token: token }),
            }
          },
          answered(body) {
            tokens.push(JSON.parse(body).refresh_token)
          },
        }
      },
    },
    same('POST /v1/login', 5, 2, { method: 'POST', path: '/v1/login', headers: json, body: JSON.stringify(signingIn) }),
  ]
}

function get(path: string, headers: Record<string, string> = {}): Exchange {
  return { method: 'GET', path, headers, body: '' }
}

function same(name: string, rate: number, connections: number, exchange: Exchange): Scenario {
  return { name, rate, connections, begin: async () => ({ next: () => exchange, answered() {} }) }
}
