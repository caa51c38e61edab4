/** State of a request that the reader started: busy, or its error. */
import { ApiError } from '#lib/api/problems.ts';

export class AsyncAction {
  busy = $state(false);
  error = $state.raw<ApiError | null>(null);

  /** Runs *what* unless the last run is not finished; returns whether it succeeded. */
  async run(what: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.error = null;
    try {
      await what();
      return true;
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError('problem', String(error));
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** The service's message about the field *name*. */
  about(name: string): string | null {
    return this.error?.problem?.errors.find(({ parameter }) => parameter === name)?.detail ?? null;
  }
}
