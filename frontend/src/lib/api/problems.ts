/** Errors of API requests: the cause, the problem+json body, and the time to retry. */
import * as v from 'valibot';

export const Problem = v.object({
  type: v.string(),
  title: v.string(),
  status: v.number(),
  detail: v.optional(v.string(), ''),
  errors: v.optional(v.array(v.object({ parameter: v.string(), detail: v.string() })), []),
});
export type Problem = v.InferOutput<typeof Problem>;

export type Fault =
  /** No answer came: the reader's network, or the whole host, is away. */
  | 'offline'
  /** 429: too much was asked; `retryAt` says when it may be asked again. */
  | 'limited'
  /** The function, or the database behind it, is not there at the moment. */
  | 'unavailable'
  /** 401 or 403: a token is needed, or the one sent is not good (any more). */
  | 'refused'
  /** Any other problem that the answer itself explains. */
  | 'problem'
  /** The answer is not of the shape that the page relies on: page and functions are of different versions. */
  | 'shape';

export class ApiError extends Error {
  constructor(
    readonly fault: Fault,
    message: string,
    readonly status = 0,
    readonly problem: Problem | null = null,
    /** Milliseconds since 1970: not before then should the question be asked again. */
    readonly retryAt: number | null = null,
  ) {
    super(message);
  }

  /** The last part of the problem's type: stable, for decisions. */
  get kind(): string {
    return this.problem?.type.split('/').at(-1) ?? '';
  }
}

/** Returns when Retry-After (seconds or a date) says to come again, null when it says nothing. */
export function retryAfter(header: string | null, now: number): number | null {
  if (!header) return null;
  const seconds = Number(header);
  const at = Number.isFinite(seconds) ? now + seconds * 1000 : Date.parse(header);
  return Number.isFinite(at) ? at : null;
}

/** Reads what an answer that is no success says of itself. */
export async function errorOf(response: Response): Promise<ApiError> {
  const { status } = response;
  const text = await response.text().catch(() => '');
  let problem: Problem | null = null;
  try {
    problem = v.parse(Problem, JSON.parse(text));
  } catch {
    // A proxy or the activator answers in plain text.
  }
  const fault: Fault =
    status === 429
      ? 'limited'
      : status === 401 || status === 403
        ? 'refused'
        : status >= 500
          ? 'unavailable'
          : 'problem';
  const message = problem?.detail || problem?.title || `The service returned ${status}.`;
  return new ApiError(fault, message, status, problem, retryAfter(response.headers.get('retry-after'), Date.now()));
}
