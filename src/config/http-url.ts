export const HTTP_URL_EXPECTED = 'an http: or https: URL without user name and password'

/** Whether requests can be sent to this URL. A user name is refused, because the HTTP client would leave it out. */
export function isHttpUrl(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}
