/** A response that stays fresh while a component reads it: requested again when the next bar is due. */
import { createSubscriber } from 'svelte/reactivity';
import type * as v from 'valibot';
import { connection } from '#lib/api/connection.svelte.ts';
import { ask } from '#lib/api/fetching.ts';
import { ApiError } from '#lib/api/problems.ts';
import { keep, recall } from '#lib/api/snapshots.ts';

/** A function that answers later than this was asleep. */
const SLOW_MS = 700;
/** After this long without an answer, a panel says so. */
const OVERDUE_MS = 10_000;
/** So that not every open page asks in the same moment. */
const SPREAD_MS = 1500;
const SOONEST_MS = 5_000;
const LATEST_MS = 60_000;
/** setTimeout overflows beyond 24 days. */
const FARTHEST_MS = 3_600_000;

interface Options<T> {
  /** Keep the last answer in the browser for the next visit. */
  kept?: boolean;
  /** When to ask again (milliseconds since 1970) where Cache-Control is not the measure. */
  next?: (data: T) => number;
}

export class Resource<S extends v.GenericSchema> {
  /** The answer before the newest: what is new is the difference. */
  before = $state.raw<v.InferOutput<S> | null>(null);
  /** When the service last confirmed the data: milliseconds since 1970. */
  confirmedAt = $state<number | null>(null);
  /** True until the service has answered during this visit. */
  remembered = $state(true);
  error = $state.raw<ApiError | null>(null);
  pending = $state(false);
  /** True while an answer takes so long that a function must be starting. */
  slow = $state(false);
  /** True while a response takes so long that the page should say so. */
  overdue = $state(false);
  /** When it will be requested again: milliseconds since 1970. */
  nextAt = $state<number | null>(null);

  #data = $state.raw<v.InferOutput<S> | null>(null);
  #watched = false;
  #tag: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #aborter: AbortController | null = null;
  #inVain = 0;
  #subscribe = createSubscriber(() => {
    this.#watched = true;
    // State may not change while a component is being drawn; in a task of its own, since a slow phone draws before it asks.
    const begin = setTimeout(() => this.#begin());
    return () => {
      clearTimeout(begin);
      this.#watched = false;
      this.#end();
    };
  });

  constructor(
    readonly path: string,
    readonly shape: S,
    readonly options: Options<v.InferOutput<S>> = {},
  ) {}

  /** The newest answer, be it from this visit or an earlier one. Kept fresh for as long as an effect reads it. */
  get data(): v.InferOutput<S> | null {
    this.#subscribe();
    return this.#data;
  }

  /** The same without keeping it fresh. */
  get current(): v.InferOutput<S> | null {
    return this.#data;
  }

  get watched(): boolean {
    return this.#watched;
  }

  /** Asks now, whatever the time. */
  async refresh(): Promise<void> {
    if (this.pending) return;
    clearTimeout(this.#timer);
    this.pending = true;
    this.#aborter = new AbortController();
    const slow = setTimeout(() => (this.slow = true), SLOW_MS);
    const overdue = setTimeout(() => (this.overdue = true), OVERDUE_MS);
    try {
      const answer = await ask(this.path, this.shape, { tag: this.#tag, signal: this.#aborter.signal });
      this.#accept(answer);
    } catch (error) {
      if (this.#aborter.signal.aborted) {
        // Somebody who came while it was being given up still waits for it.
        if (this.#watched) setTimeout(() => void this.refresh());
        return;
      }
      this.#fail(error instanceof ApiError ? error : new ApiError('problem', String(error)));
    } finally {
      clearTimeout(slow);
      clearTimeout(overdue);
      this.slow = this.overdue = false;
      this.pending = false;
    }
  }

  /** Forgets the answer and asks anew: after the reader has logged in or out. */
  reset(): void {
    this.#tag = null;
    this.nextAt = null;
    if (this.#watched) void this.refresh();
  }

  /** Forgets the answer. */
  forget(): void {
    this.#aborter?.abort();
    this.#data = this.before = this.error = null;
    this.#tag = null;
    this.nextAt = null;
  }

  #begin(): void {
    connection.add(this);
    if (this.options.kept && this.#data === null) {
      const snapshot = recall(this.path, this.shape);
      if (snapshot) {
        this.#data = snapshot.data;
        this.#tag = snapshot.tag;
        this.confirmedAt = snapshot.at;
      }
    }
    document.addEventListener('visibilitychange', this.#awake);
    window.addEventListener('online', this.#awake);
    window.addEventListener('offline', this.#check);
    if (this.nextAt === null || this.nextAt <= Date.now()) void this.refresh();
    else this.#schedule(this.nextAt);
  }

  #end(): void {
    connection.delete(this);
    clearTimeout(this.#timer);
    this.#aborter?.abort();
    document.removeEventListener('visibilitychange', this.#awake);
    window.removeEventListener('online', this.#awake);
    window.removeEventListener('offline', this.#check);
  }

  /** A device without a network may run the service itself: only a request shows. */
  #check = (): void => void this.refresh();

  #awake = (): void => {
    const offline = this.error?.fault === 'offline' && navigator.onLine;
    if (!document.hidden && (offline || (this.nextAt !== null && this.nextAt <= Date.now()))) void this.refresh();
  };

  #accept(answer: { data: v.InferOutput<S> | null; tag: string | null; until: number }): void {
    const now = Date.now();
    if (answer.data !== null) {
      this.before = this.#data;
      this.#data = answer.data;
      this.#tag = answer.tag;
      this.#inVain = 0;
    }
    this.error = null;
    this.remembered = false;
    this.confirmedAt = now;
    if (this.options.kept && this.#data !== null) keep(this.path, { data: this.#data, tag: this.#tag, at: now });
    this.#schedule(this.#due(answer.until, now));
  }

  /** A promise of seconds means that a bar is overdue: then it is asked for ever more slowly until it is there. */
  #due(until: number, now: number): number {
    if (this.options.next && this.#data !== null) return Math.max(this.options.next(this.#data), now + SOONEST_MS);
    const promise = until - now;
    if (promise > LATEST_MS) return until + Math.random() * SPREAD_MS;
    const patience = Math.min(SOONEST_MS * 2 ** this.#inVain++, LATEST_MS);
    return now + Math.max(promise, patience) + Math.random() * SPREAD_MS;
  }

  #fail(error: ApiError): void {
    this.error = error;
    const patience = Math.min(SOONEST_MS * 2 ** this.#inVain++, LATEST_MS);
    this.#schedule(Math.max(error.retryAt ?? 0, Date.now() + (error.retryAt ? 0 : patience)));
  }

  #schedule(at: number): void {
    clearTimeout(this.#timer);
    this.nextAt = at;
    if (!this.#watched) return;
    this.#timer = setTimeout(
      () => {
        if (Date.now() < at) this.#schedule(at);
        else if (!document.hidden || wanted()) void this.refresh();
      },
      Math.min(Math.max(at - Date.now(), 0), FARTHEST_MS),
    );
  }
}

/** Tells whether the reader wants to hear of new data while the page is in the background. */
function wanted(): boolean {
  try {
    return localStorage.getItem('notify') === 'yes';
  } catch {
    return false;
  }
}
