package delivery_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/delivery"
)

const (
	perDestination = 128
	overall        = 1024
)

func TestPlacesAreBoundedForEachDestinationAndOverAll(t *testing.T) {
	t.Parallel()
	s := delivery.NewSlots()
	for d := range overall / perDestination {
		for range perDestination {
			require.True(t, s.Try(fmt.Sprint(d)))
		}
		require.False(t, s.Try(fmt.Sprint(d)), "the destination is full")
	}
	require.False(t, s.Try("other"), "the process is full")
	s.Release("3")
	require.True(t, s.Try("other"))
	s.Release("other")
	require.True(t, s.Try("3"))
}

func TestAPlaceThatBecomesFreeGoesToWhoeverWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := delivery.NewSlots()
		for range perDestination {
			require.True(t, s.Try("full"))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.True(t, s.Acquire(ctx, "other"), "others do not wait")
		begin := time.Now()
		require.False(t, s.Acquire(ctx, "full"))
		require.Equal(t, time.Second, time.Since(begin))

		got := make(chan bool)
		go func() { got <- s.Acquire(context.Background(), "full") }()
		synctest.Wait()
		s.Release("other")
		synctest.Wait()
		select {
		case <-got:
			t.Fatal("that place was another's")
		default:
		}
		s.Release("full")
		require.True(t, <-got)
		require.False(t, s.Try("full"))
	})
}

// Many wait for few places: everyone gets one in the end, and never do more hold
// one than there are.
func TestNobodyWaitsInVain(t *testing.T) {
	t.Parallel()
	s := delivery.NewSlots()
	var (
		wg      sync.WaitGroup
		holding [3]atomic.Int32
		all     atomic.Int32
	)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range 3000 {
		wg.Go(func() {
			d := i % 3
			for range 3 {
				if !s.Acquire(ctx, fmt.Sprint(d)) {
					t.Error("waited in vain")
					return
				}
				if holding[d].Add(1) > perDestination || all.Add(1) > overall {
					t.Error("too many")
				}
				all.Add(-1)
				holding[d].Add(-1)
				s.Release(fmt.Sprint(d))
			}
		})
	}
	wg.Wait()
	for range perDestination {
		require.True(t, s.Try("0"), "every place was given back")
	}
}
