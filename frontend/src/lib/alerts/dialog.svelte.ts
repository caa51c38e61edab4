/** State of the alert dialog, shared by all components that open it. */
import type { Alert } from '#lib/api/alerts.ts';
import type { Draft } from '#lib/alerts/draft.ts';

export interface Opening {
  /** Null: the reader chooses the stock. */
  ticker: string | null;
  /** The alert to change. */
  alert?: Alert;
  /** Choices of before the reader signed in. */
  draft?: Draft;
}

class AlertDialog {
  shown = $state.raw<Opening | null>(null);

  open(opening: Opening): void {
    this.shown = opening;
  }

  close(): void {
    this.shown = null;
  }
}

export const alertDialog = new AlertDialog();
