export const HTTP_URL_EXPECTED = 'an http: or https: URL without user name and password'

/** Whether this is a URL to send requests to. One with a user name is none: the client would leave the name out. */
export function isHttpUrl(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}
