import { h } from 'preact'
import htm from 'htm'

/** Makes virtual nodes. A value between `${}` becomes a text node or an attribute, never markup. */
export const html = htm.bind(h)
