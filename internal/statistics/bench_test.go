package statistics_test

import (
	"fmt"
	"testing"
	"time"

	"datapusher/internal/id"
	"datapusher/internal/statistics"
)

// What counting costs the hot path, for each delivery of a batch.
func BenchmarkCount(b *testing.B) {
	for _, destinations := range []int{1, 5, 500} {
		b.Run(fmt.Sprint("destinations=", destinations), func(b *testing.B) {
			c := statistics.New(statistics.Options{Every: -1})
			now := time.Now()
			account := id.New(id.Account, now)
			const batch = 256
			accounts, fanned, attempts := []string{account}, make([]statistics.Fanned, batch), make([]statistics.Attempt, batch)
			var m id.Minter
			event, to := m.Events(now, 1)[0], make([]string, destinations)
			for i := range to {
				to[i] = id.New(id.Destination, now)
			}
			for i := range batch {
				d := to[i%destinations]
				fanned[i] = statistics.Fanned{Account: account, Destination: d}
				attempts[i] = statistics.Attempt{
					Account: account, Destination: d, Event: event, Status: 200, Took: 1500 * time.Microsecond, Ended: now, Succeeded: true,
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				c.Accepted(accounts, fanned)
				c.Attempted(attempts)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/delivery")
		})
	}
}
