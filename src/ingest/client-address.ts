import { isIP, isIPv4 } from 'node:net'
import type { FastifyRequest } from 'fastify'

/**
 * From where a request counts as sent. With `TRUST_PROXY` that is a forwarded address, which the client may have made
 * up: a text that is no IP address counts as the address of the connection, so that nobody can fill the memory
 * or the log with long ones.
 */
export function clientAddress(request: FastifyRequest): string {
  return addressIn(request.ip) ?? addressIn(request.socket.remoteAddress) ?? 'unknown'
}

/** What an address is counted by: IPv4 by itself, IPv6 by its first half, because one line comes with 2^64 of them. */
export function networkOf(address: string): string {
  if (isIPv4(address) || isIP(address) === 0) return address
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address)?.[1]
  return mapped ?? `${firstHalf(address).join(':')}::/64`
}

/** Without a zone (`%eth0`), which may be of any length. */
function addressIn(text: string | undefined): string | null {
  const address = text?.replace(/%.*$/s, '') ?? ''
  return isIP(address) === 0 ? null : address
}

/** The first four of an IPv6 address's eight groups, each in its shortest spelling. */
function firstHalf(address: string): string[] {
  const [before, after] = address.split('::')
  const groups = (before ?? '').split(':').filter((group) => group !== '')
  if (after !== undefined) {
    const rest = after.split(':').filter((group) => group !== '')
    // An IPv4 address at the end stands for two groups.
    const missing = 8 - groups.length - rest.length - (after.includes('.') ? 1 : 0)
    groups.push(...Array<string>(missing).fill('0'), ...rest)
  }
  return groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
}
