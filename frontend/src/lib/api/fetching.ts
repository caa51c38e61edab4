/** HTTP client of the functions: address, token, timeout, conditional requests, and one error type. */
import * as v from 'valibot';
import { takeEarly } from '#lib/api/early.ts';
import { ApiError, errorOf } from '#lib/api/problems.ts';
import { principal } from '#lib/api/principal.svelte.ts';

/** Seconds that a cold function with a cold database may take, several times over. */
const PATIENCE_MS = 30_000;
const OVERDUE_MS = 60_000;

export interface Answer<T> {
  data: T;
  /** The entity tag; null when there was none. */
  tag: string | null;
  /** Milliseconds since 1970: until then the server promises that nothing changes. */
  until: number;
}

export interface Question {
  tag?: string | null;
  signal?: AbortSignal | undefined;
}

/** Returns the address of *path* (`/latest?…`) as the browser asks for it. */
export function addressOf(path: string): string {
  return __API_BASE__ + path;
}

/**
 * Asks for *path* and checks the answer against *shape*.
 *
 * Returns null when the server says that what *question.tag* names still holds, with the new promise in `until` of the
 * second part. Throws ApiError.
 */
export async function ask<S extends v.GenericSchema>(
  path: string,
  shape: S,
  question: Question = {},
): Promise<Answer<v.InferOutput<S>> | { data: null; until: number; tag: null }> {
  const headers = new Headers({ Accept: 'application/json' });
  if (question.tag) headers.set('If-None-Match', question.tag);
  const response = await send(path, { headers, signal: question.signal ?? null });
  const until = promised(response, Date.now());
  if (response.status === 304) return { data: null, tag: null, until };
  if (!response.ok) throw await errorOf(response);
  return { data: await read(response, shape), tag: response.headers.get('etag'), until };
}

/** Sends a request with the reader's token, if there is one. Throws ApiError "offline" when no answer comes. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (principal.token && !headers.has('Authorization')) headers.set('Authorization', `Bearer ${principal.token}`);
  const limit = AbortSignal.timeout(PATIENCE_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
  try {
    // Tags are kept here, beside the snapshots that they belong to.
    const early = takeEarly(path, headers);
    if (early) return await Promise.race([early, failWith(signal)]);
    return await fetch(addressOf(path), { ...init, headers, signal, cache: 'no-store', credentials: 'omit' });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    const late = limit.aborted;
    throw new ApiError(
      late ? 'unavailable' : 'offline',
      late ? `No response within ${PATIENCE_MS / 1000} seconds.` : 'The service cannot be reached.',
    );
  }
}

const failWith = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));

/** Returns the body as *shape* describes it. Throws ApiError "shape" when it is something else. */
export async function read<S extends v.GenericSchema>(response: Response, shape: S): Promise<v.InferOutput<S>> {
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    throw new ApiError('shape', 'The service returned something that is not JSON.', response.status);
  }
  const result = v.safeParse(shape, body);
  if (result.success) return result.output;
  const where = v.getDotPath(result.issues[0]) ?? 'the answer';
  throw new ApiError('shape', `The response does not fit this version of the page: ${where}.`, response.status);
}

/** Returns until when Cache-Control lets the answer be kept; a minute where it says nothing. */
export function promised(response: Response, now: number): number {
  const seconds = /max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1];
  return now + (seconds === undefined ? OVERDUE_MS : Number(seconds) * 1000);
}
