import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ask } from "../api/queries";
import { BacklogDocument, StatisticsDocument, type StatisticsQuery } from "../gql/graphql";
import type { Period } from "../router";
import { request } from "../api/request";
import { parseDuration } from "../ui/time";

export type Statistics = StatisticsQuery["statistics"];

/** Of what: everything, an account, or a destination. */
export interface Of {
  accountID?: string;
  destinationID?: string;
}

const spans: Record<Period, { ms: number; step: string; every: number }> = {
  "1h": { ms: 3600_000, step: "1m", every: 5_000 },
  "24h": { ms: 86_400_000, step: "15m", every: 30_000 },
  "7d": { ms: 7 * 86_400_000, step: "6h", every: 60_000 },
};

export const periodNames: readonly (readonly [Period, string])[] = [
  ["1h", "Hour"],
  ["24h", "Day"],
  ["7d", "Week"],
];

/** The period before this one, in words. */
export const lastInWords: Record<Period, string> = { "1h": "the last hour", "24h": "the last 24 hours", "7d": "the last 7 days" };

/** When the period began. */
export const beginning = (period: Period) => new Date(Date.now() - spans[period].ms).toISOString();

/** What happened in the last hour, day or week; it keeps itself current. */
export function useStatistics(of: Of, period: Period) {
  const { step, every } = spans[period];
  return useQuery({
    queryKey: ["statistics", of, period],
    queryFn: ({ signal }) => request(StatisticsDocument, { ...of, from: beginning(period), step }, signal),
    refetchInterval: every,
    placeholderData: keepPreviousData,
    select: (data) => grown(data.statistics),
  });
}

/** Statistics without the newest step, which is still growing, unless it is the only one in which something happened. */
function grown(statistics: Statistics): Statistics {
  const buckets = statistics.buckets.slice(0, -1);
  return buckets.some(({ figures }) => figures.attempts || figures.events) ? { ...statistics, buckets } : statistics;
}

/** What waits now. */
export function useBacklog(of: Of) {
  return useQuery({ ...ask(["backlog"], BacklogDocument, { ...of }), refetchInterval: 5_000, select: (data) => data.backlog });
}

/** How often a minute something happened, over the steps. */
export function perMinute(statistics: Statistics, figure: (f: Statistics["buckets"][number]["figures"]) => number): number[] {
  const minutes = Math.max(1, parseDuration(statistics.step) / 60_000);
  return statistics.buckets.map((bucket) => figure(bucket.figures) / minutes);
}

/** When the steps begin. */
export const timesOf = (statistics: Statistics) => statistics.buckets.map((bucket) => new Date(bucket.at));
