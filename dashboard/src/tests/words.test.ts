import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { languageOf } from '../words'
import { en } from '../words/en'
import { fr } from '../words/fr'

/** Every way to a word; `docs` and `reasons` are the server's own in English. */
function paths(words: object, at = ''): string[] {
  return Object.entries(words).flatMap(([name, value]: [string, unknown]) => {
    const here = `${at}/${name}`
    if (['/docs', '/reasons', '/short'].includes(here)) return []
    return typeof value === 'object' && value !== null ? paths(value, here) : [here]
  })
}

/** The words themselves; functions called with names that stand out. */
function texts(words: object, at = ''): [string, string][] {
  return Object.entries(words).flatMap(([name, value]: [string, unknown]): [string, string][] => {
    const here = `${at}/${name}`
    if (typeof value === 'function') return [[here, String((value as (...rest: unknown[]) => string)(...Array(value.length).fill('7')))]]
    return typeof value === 'object' && value !== null ? texts(value, here) : [[here, String(value)]]
  })
}

describe('French', () => {
  it('has the words of English', () => {
    expect(paths(fr)).toEqual(expect.arrayContaining(paths(en)))
    expect(paths(en)).toEqual(expect.arrayContaining(paths(fr)))
  })

  it('knows every metric and every reason of the server', () => {
    const document = JSON.parse(readFileSync(join(import.meta.dirname, '../../../docs/openapi.json'), 'utf8')) as { components: { schemas: Record<string, { enum: string[] }> } }
    expect(Object.keys(fr.short).toSorted()).toEqual(document.components.schemas['Metric']?.enum.toSorted())
    expect(Object.keys(fr.docs).toSorted()).toEqual(document.components.schemas['Metric']?.enum.toSorted())
    expect(Object.keys(fr.reasons).toSorted()).toEqual(document.components.schemas['Reason']?.enum.toSorted())
  })

  it('is not English left over', () => {
    const english = new Map(texts(en))
    const same = texts(fr).filter(([path, text]) => /[a-z]{4}/.test(text) && english.get(path) === text)
    // Words that both languages have.
    const shared = /^\/(product|levels?\/(group|instance)|rail\/licences|rows\/|change\/(long|points)|spread\/title|stability\/(kinds|lanes)\/incident|lists\/version|explain\/(item|note))/
    expect(same.map(([path]) => path).filter((path) => !shared.test(path))).toEqual([])
  })
})

describe('the language', () => {
  it('is that of the address, else of the browser, else English', () => {
    expect(languageOf('?lang=fr', ['en-GB'])).toBe('fr')
    expect(languageOf('?lang=de', ['fr-CA', 'en'])).toBe('fr')
    expect(languageOf('', ['de', 'fr-FR'])).toBe('fr')
    expect(languageOf('', ['de'])).toBe('en')
    expect(languageOf('', [])).toBe('en')
  })
})
