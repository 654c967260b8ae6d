import createClient, { type Middleware } from 'openapi-fetch'
import type { components, paths } from './schema'

type Schemas = components['schemas']
export type Answer = Schemas['Answer']
export type MetricAnswer = Schemas['MetricAnswer']
export type Part = Schemas['Part']
export type Tree = Schemas['Tree']
export type TreeNode = Schemas['Node']
export type Value = Schemas['Value']
export type Point = Schemas['Point']
export type Definitions = Schemas['Definitions']
export type Deployment = Schemas['Deployment']
export type Incident = Schemas['Incident']
export type Explained = Schemas['Explained']
export type ExplainedRow = Schemas['ExplainedRow']
export type Band = Schemas['Band']
export type Level = Schemas['Level']

const KEY = 'leadline.token'

/** The token lives in the tab and goes with it. */
export const token = {
  get: (): string | null => sessionStorage.getItem(KEY),
  set: (value: string): void => sessionStorage.setItem(KEY, value),
  forget: (): void => sessionStorage.removeItem(KEY),
}

export function authorization(): Record<string, string> {
  const secret = token.get()
  return secret ? { authorization: `Bearer ${secret}` } : {}
}

/** What the server said when it could not answer. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fix?: string,
  ) {
    super(message)
  }
}

const withToken: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(authorization())) request.headers.set(name, value)
    return request
  },
  async onResponse({ response }) {
    if (response.ok) return
    throw await problem(response)
  },
}

export async function problem(response: Response): Promise<ApiProblem> {
  const body: unknown = await response.json().catch(() => null)
  const read = (value: unknown, name: string): string | undefined => {
    const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
    return typeof found === 'string' ? found : undefined
  }
  const details = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)['details'] : undefined
  const code = read(body, 'code') ?? String(response.status)
  return new ApiProblem(response.status, code, read(body, 'message') ?? response.statusText, read(details, 'fix'))
}

export const client = createClient<paths>({ baseUrl: '/' })
client.use(withToken)

/** The body of an answer that did not throw. */
export async function body<T>(asked: Promise<{ data?: T }>): Promise<T> {
  const { data } = await asked
  if (data === undefined) throw new ApiProblem(0, 'empty', 'the answer was empty')
  return data
}
