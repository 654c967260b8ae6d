import { en, type Words } from './en'

const LANGUAGES: Record<string, Words> = { en }

/** The words of the reader's language, else English. */
export const words: Words =
  (typeof navigator === 'undefined' ? undefined : LANGUAGES[navigator.language.slice(0, 2)]) ?? en
