import type { FastifyRequest } from 'fastify'
import type { Logger } from '../observability/logger.ts'
import type { Clock } from '../time/clock.ts'
import { BodyBudget } from './body-budget.ts'
import type { BodyHold } from './body-budget.ts'
import { clientAddress, networkOf } from './client-address.ts'
import { MinuteCounts } from './minute-counts.ts'
import { readSignatureHeaders } from './signature-headers.ts'
import type { SignatureHeaders, SignatureProblem } from './signature-headers.ts'
import { StrangerTurns } from './stranger-turns.ts'
import type { Turn } from './stranger-turns.ts'
import { VerifiedSenders } from './verified-senders.ts'

export interface GateOptions {
  clock: Clock
  maxBodyBytes: number
  rateLimitPerMinute: number
  forgeryLimitPerMinute: number
  /** Whether forwarded headers are believed. */
  trustsProxy: boolean
  log: Logger
}

/** Why a request goes no further. */
export type Refusal =
  | { code: SignatureProblem }
  | { code: 'rate_limited'; retryAfterSeconds: number; detail: string }
  | { code: 'body_too_large' | 'body_incomplete' | 'unavailable' }

/** A request whose body may be read. `end` has to be called, whatever becomes of it. */
export interface Admission {
  headers: SignatureHeaders
  hold: BodyHold
  /** Tells what verification made of it, as soon as that is known. */
  judged(verdict: 'verified' | 'forged'): void
  /** It is answered, and its body is no longer needed. */
  end(): void
}

/** Decides by a request's headers and its address alone, before its body is read. */
export interface Gate {
  admit(request: FastifyRequest): Promise<Admission | { refusal: Refusal }>
  /** Whether verified webhooks came from this address within the last hour. */
  isKnownSender(address: string): boolean
}

/** Node reads about this much of a body ahead, before the relay asks for it. */
const READ_AHEAD_BYTES = 65_536

export function createGate(options: GateOptions): Gate {
  const { clock, maxBodyBytes, rateLimitPerMinute, forgeryLimitPerMinute } = options
  const requests = new MinuteCounts(clock)
  const forgeries = new MinuteCounts(clock)
  const senders = new VerifiedSenders()
  const budget = new BodyBudget(clock, maxBodyBytes)
  const turns = new StrangerTurns(clock, (address) =>
    isSender(address) ? Number.POSITIVE_INFINITY : forgeryLimitPerMinute - forgeries.of(address),
  )
  const warnOfProxy = options.trustsProxy ? () => {} : warnOnceOfProxy(options.log)

  return { admit, isKnownSender: (address) => isSender(networkOf(address)) }

  async function admit(request: FastifyRequest): Promise<Admission | { refusal: Refusal }> {
    warnOfProxy(request)
    const address = networkOf(clientAddress(request))
    if (requests.add(address) > rateLimitPerMinute)
      return rateLimited(requests, address, 'Too many requests from this address.')
    const isKnown = isSender(address)
    if (!isKnown && forgeries.of(address) >= forgeryLimitPerMinute) return tooManyForgeries(address)
    if (Number(request.headers['content-length']) > maxBodyBytes) return refused('body_too_large')
    const read = readSignatureHeaders(request.headers, clock.wallMs())
    if ('problem' in read) {
      forgeries.add(address)
      return refused(read.problem)
    }
    return isKnown ? admission(address, read.headers, null) : admitStranger(request, address, read.headers)
  }

  async function admitStranger(
    request: FastifyRequest,
    address: string,
    headers: SignatureHeaders,
  ): Promise<Admission | { refusal: Refusal }> {
    const admitted = admission(address, headers, address)
    const { hold } = admitted
    if (!hold.growTo(readAhead(request))) return unadmitted(hold, refused('unavailable'))
    switch (await nextTurn(address, hold)) {
      case 'go':
        return admitted
      case 'forger':
        return unadmitted(hold, tooManyForgeries(address))
      case 'crowded':
        return unadmitted(hold, refused('unavailable'))
    }
  }

  async function nextTurn(address: string, hold: BodyHold): Promise<Turn> {
    const entered = turns.enter(address)
    if (typeof entered === 'string') return entered
    hold.onCut = entered.giveUp
    const turn = await entered.turn
    hold.onCut = () => {}
    return turn
  }

  /** @param stranger the address, if nothing verified has come from it lately */
  function admission(address: string, headers: SignatureHeaders, stranger: string | null): Admission {
    const hold = budget.open(stranger)
    let isOpen = stranger !== null
    function leave(): void {
      if (isOpen) turns.leave(address)
      isOpen = false
    }
    return {
      headers,
      hold,
      judged(verdict) {
        if (verdict === 'verified') senders.add(address, clock.steadyMs())
        else forgeries.add(address)
        leave()
      },
      end() {
        hold.release()
        leave()
      },
    }
  }

  function isSender(address: string): boolean {
    return senders.has(address, clock.steadyMs())
  }

  function tooManyForgeries(address: string): { refusal: Refusal } {
    return rateLimited(forgeries, address, 'Too many webhooks from this address failed verification.')
  }
}

function refused(code: SignatureProblem | 'body_too_large' | 'unavailable'): { refusal: Refusal } {
  return { refusal: { code } }
}

function rateLimited(counts: MinuteCounts, address: string, detail: string): { refusal: Refusal } {
  return { refusal: { code: 'rate_limited', retryAfterSeconds: counts.secondsLeft(address), detail } }
}

function unadmitted(hold: BodyHold, refusal: { refusal: Refusal }): { refusal: Refusal } {
  hold.release()
  return refusal
}

function readAhead(request: FastifyRequest): number {
  const length = Number(request.headers['content-length'] ?? READ_AHEAD_BYTES)
  return Math.min(length, READ_AHEAD_BYTES)
}

function warnOnceOfProxy(log: Logger): (request: FastifyRequest) => void {
  let isWarned = false
  return ({ headers }) => {
    if (isWarned || (headers['x-forwarded-for'] ?? headers['forwarded']) === undefined) return
    isWarned = true
    log.warn(
      'a forwarded header came, but TRUST_PROXY is not set: all behind that proxy count as one address',
    )
  }
}
