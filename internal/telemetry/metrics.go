// Package telemetry counts what happens, for Prometheus.
package telemetry

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"datapusher/ent/delivery"
	idelivery "datapusher/internal/delivery"
	"datapusher/internal/sender"
)

// buckets of latencies in seconds: from a commit on a fast disk to the deadline
// of an attempt.
var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}

// Metrics of one process.
type Metrics struct {
	registry  *prometheus.Registry
	accepted  prometheus.Counter
	settled   *prometheus.CounterVec
	attempts  *prometheus.CounterVec
	commit    prometheus.Histogram
	batch     prometheus.Histogram
	attempted prometheus.Histogram
}

// New makes the metrics of a process.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "datapusher_events_accepted_total", Help: "Events committed by this process."}),
		settled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "datapusher_deliveries_settled_total", Help: "Deliveries that an attempt of this process ended, by status."}, []string{"status"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "datapusher_attempts_total", Help: "Attempts made by this process, by result: 2xx to 5xx, or the class of the failure."}, []string{"result"}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "datapusher_commit_seconds", Help: "Time of a group commit.", Buckets: buckets}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "datapusher_commit_events", Help: "Events in a group commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
		attempted: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "datapusher_attempt_seconds", Help: "Time of an attempt, until its answer was read.", Buckets: buckets}),
	}
	for _, s := range []delivery.Status{delivery.StatusSucceeded, delivery.StatusFailed} {
		m.settled.WithLabelValues(label(s)) // a series that is there from the start can be alerted on
	}
	m.registry.MustRegister(m.accepted, m.settled, m.attempts, m.commit, m.batch, m.attempted,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func label(s delivery.Status) string {
	if s == delivery.StatusSucceeded {
		return "delivered"
	}
	return "failed"
}

// Commit counts a group commit.
func (m *Metrics) Commit(events int, took time.Duration) {
	m.accepted.Add(float64(events))
	m.batch.Observe(float64(events))
	m.commit.Observe(took.Seconds())
}

// Attempt counts an attempt and what it means.
func (m *Metrics) Attempt(r sender.Result, d idelivery.Decision) {
	result := string(r.Class)
	if r.Status != 0 {
		result = string('0'+rune(r.Status/100)) + "xx" //nolint:gosec // G115: a status has three digits
	}
	m.attempts.WithLabelValues(result).Inc()
	m.attempted.Observe(r.Total.Seconds())
	if d.Status != delivery.StatusRetrying && d.Status != delivery.StatusParked {
		m.settled.WithLabelValues(label(d.Status)).Inc()
	}
}

// Handler serves the metrics; when the database is away, those of this process.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// backlogTimeout bounds the query that a scrape makes.
const backlogTimeout = 3 * time.Second

var (
	pending  = prometheus.NewDesc("datapusher_deliveries_pending", "Deliveries without a finished attempt, over all processes.", nil, nil)
	retrying = prometheus.NewDesc("datapusher_deliveries_retrying", "Deliveries that wait for their next attempt, over all processes.", nil, nil)
	parked   = prometheus.NewDesc("datapusher_deliveries_parked", "Deliveries that wait for their destination, over all processes.", nil, nil)
	oldest   = prometheus.NewDesc("datapusher_oldest_pending_seconds", "Age of the oldest pending delivery; 0 when there is none.", nil, nil)
)

// backlog reads the database when it is scraped.
type backlog struct {
	read func(context.Context) (idelivery.Backlog, error)
}

// Backlog adds what is not settled, read at each scrape.
func (m *Metrics) Backlog(read func(context.Context) (idelivery.Backlog, error)) {
	m.registry.MustRegister(backlog{read})
}

// Describe implements prometheus.Collector.
func (backlog) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{pending, retrying, parked, oldest} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (b backlog) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), backlogTimeout)
	defer cancel()
	now, err := b.read(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(pending, err)
		return
	}
	for desc, value := range map[*prometheus.Desc]float64{
		pending: float64(now.Pending), retrying: float64(now.Retrying), parked: float64(now.Parked),
		oldest: now.OldestPending.Seconds(),
	} {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
}
