/** Something that the reader does and the service answers: at work, or failed and why. */
import { ApiError } from '#lib/api/problems.ts';

export class Trying {
  busy = $state(false);
  error = $state.raw<ApiError | null>(null);

  /** Does *what* unless the last thing is still being done; returns whether it succeeded. */
  async do(what: () => Promise<void>): Promise<boolean> {
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

  /** What the service says of the field *name*. */
  about(name: string): string | null {
    return this.error?.problem?.errors.find(({ parameter }) => parameter === name)?.detail ?? null;
  }
}
