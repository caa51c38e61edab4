// The page's schemas and the API's contract: the types of schema.ts, generated from the OpenAPI document.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as v from 'valibot';
import type { Channels, Firings, NewChannel, TestResult } from '#lib/alerts/requests.ts';
import type { Account, Login, NewToken, Tokens } from '#lib/api/accounts.ts';
import type { Alerts } from '#lib/api/alerts.ts';
import type { Insights } from '#lib/api/insights.ts';
import type { Problem } from '#lib/api/problems.ts';
import type * as api from '#lib/api/schema.ts';
import type {
  Bars,
  Coverage,
  Disagreements,
  Indicators,
  Latest,
  Movers,
  Overview,
  Profile,
  Splits,
  Status,
  Tickers,
} from '#lib/api/shapes.ts';
import { apiTypes, CLIENT, clientTypes, FILE } from '../../../scripts/api-types.js';

/** Does not compile unless the page's schema accepts every response that the contract allows. */
type Accepts<Schema extends v.GenericSchema, Response extends v.InferInput<Schema>> = [Schema, Response];

export type Accepted = [
  Accepts<typeof Account, api.AccountResponse>,
  Accepts<typeof Alerts, api.AlertsResponse>,
  Accepts<typeof Channels, api.ChannelsResponse>,
  Accepts<typeof Firings, api.FiringsResponse>,
  Accepts<typeof NewChannel, api.NewChannelResponse>,
  Accepts<typeof TestResult, api.TestResponse>,
  Accepts<typeof Bars, api.BarsResponse>,
  Accepts<typeof Coverage, api.CoverageResponse>,
  Accepts<typeof Disagreements, api.DisagreementsResponse>,
  Accepts<typeof Indicators, api.IndicatorsResponse>,
  Accepts<typeof Splits, api.SplitsResponse>,
  Accepts<typeof Insights, api.InsightsResponse>,
  // The page never names fields.
  Accepts<typeof Latest, api.LatestResponse & { items: api.LatestItem[] }>,
  Accepts<typeof Login, api.LoginResponse>,
  Accepts<typeof Movers, api.MoversResponse>,
  Accepts<typeof Overview, api.OverviewResponse>,
  Accepts<typeof NewToken, api.NewTokenResponse>,
  Accepts<typeof Problem, api.Problem>,
  Accepts<typeof Profile, api.ProfileResponse>,
  Accepts<typeof Status, api.StatusResponse>,
  Accepts<typeof Tickers, api.TickersResponse>,
  Accepts<typeof Tokens, api.TokensResponse>,
];

test('schema.ts and the types of the TypeScript client are current: make contract', async () => {
  assert.equal(readFileSync(FILE, 'utf8'), await apiTypes());
  assert.equal(readFileSync(CLIENT, 'utf8'), await clientTypes());
});
