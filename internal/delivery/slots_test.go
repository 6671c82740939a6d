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
	perAccount     = 384
	slowOfAccount  = 256
	slowOverall    = 512
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

// fill takes places at destinations of an account until none is left, and tells how many.
func fill(s *delivery.Slots, account string) (taken int) {
	for d := range 2 * overall / perDestination {
		for s.Try(fmt.Sprintf("%s/%d", account, d)) {
			taken++
		}
	}
	return taken
}

func TestAnAccountLeavesPlacesForOthers(t *testing.T) {
	t.Parallel()
	s := delivery.NewSlots()
	require.Equal(t, perAccount, fill(s, "one"))
	require.Equal(t, perAccount, fill(s, "two"))
	require.Equal(t, overall-2*perAccount, fill(s, "three"))
	require.Zero(t, fill(s, "four"), "the process is full")
}

// Destinations that do not answer, or slowly, have a share, whoever owns them:
// the rest is for those that are well.
func TestSlowDestinationsLeavePlacesForTheOthers(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]func(s *delivery.Slots, destination string){
		"no answer": func(s *delivery.Slots, destination string) {
			require.True(t, s.Try(destination))
			time.Sleep(time.Second)
		},
		"late answers": func(s *delivery.Slots, destination string) {
			for range 2 {
				require.True(t, s.Try(destination))
				s.Answered(destination, 2*time.Second)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := delivery.NewSlots()
				held := 0
				for d := range 16 {
					slow(s, fmt.Sprint(d))
					for s.Try(fmt.Sprint(d)) {
						held++
					}
				}
				require.InDelta(t, slowOverall, held, 16)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				require.False(t, s.Acquire(ctx, "0"))
				require.False(t, s.Crowded(), "what goes on there is no work")
				require.Equal(t, perAccount, fill(s, "healthy"))
				require.Equal(t, perAccount, fill(s, "another"))
			})
		})
	}
}

// Those of one account that are slow do not take the place of those of others.
func TestAnAccountsSlowDestinationsHaveAShareOfTheSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := delivery.NewSlots()
		for d := range 4 {
			require.True(t, s.Try(fmt.Sprintf("one/%d", d)))
		}
		time.Sleep(time.Second)
		require.InDelta(t, slowOfAccount+perAccount, fill(s, "one"), 4, "the others of it are well")
		require.True(t, s.Try("two/0"))
	})
}

// Destinations that stop to answer all at once, with all places taken.
func TestWhatTurnsSlowFreesThePlacesOfThoseThatAreWell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := delivery.NewSlots()
		for account := range 4 {
			fill(s, fmt.Sprint(account))
		}
		require.False(t, s.Try("other"))
		require.False(t, s.Try("other"))
		time.Sleep(time.Second)
		require.True(t, s.Try("other"))
		require.Equal(t, perAccount, fill(s, "healthy"))
	})
}

func TestADestinationThatIsFastAgainHasItsPlacesBack(t *testing.T) {
	t.Parallel()
	s := delivery.NewSlots()
	for range 2 {
		require.True(t, s.Try("slow"))
		s.Answered("slow", 2*time.Second)
	}
	for d := range slowOverall / perDestination {
		other := fmt.Sprint(d)
		for range 2 {
			require.True(t, s.Try(other))
			s.Answered(other, 2*time.Second)
		}
		for s.Try(other) {
		}
	}
	require.False(t, s.Try("slow"), "the share of the slow is used up")
	s.Release("0")
	for range 5 {
		require.True(t, s.Try("slow"))
		s.Answered("slow", time.Millisecond)
	}
	for s.Try("0") {
	}
	require.True(t, s.Try("slow"))
}

func TestAnAccountIsBusyWithWhatItHasAndWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := delivery.NewSlots()
		ctx, cancel := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		defer wait.Wait()
		defer cancel()
		require.Equal(t, perAccount, fill(s, "one"))
		require.False(t, s.Busy("one"))
		for range perAccount / 4 {
			wait.Go(func() { s.Acquire(ctx, "one/0") })
		}
		synctest.Wait()
		require.False(t, s.Busy("one"))
		s.Announce("one", perAccount/4)
		require.True(t, s.Busy("one"))
		require.False(t, s.Busy("two"))
		require.False(t, s.Crowded())
		s.Announce("two", 2*overall)
		require.True(t, s.Crowded())
		s.Announce("two", -2*overall)
		require.False(t, s.Crowded())
		time.Sleep(time.Second)
		s.Try("one/0")
		require.True(t, s.Busy("one"))
		s.Announce("one", -perAccount/4)
		require.False(t, s.Busy("one"))
	})
}

// A destination that answers soon is never crowded: that it has no place left is
// this machine's doing, and its deliveries need not queue up in its lane.
func TestWhoAnswersSoonIsNotCrowded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := delivery.NewSlots()
		fill := func(destination string, took time.Duration) {
			require.True(t, s.Try(destination)) // what is idle is forgotten
			for range 20 {
				require.True(t, s.Try(destination))
				s.Answered(destination, took)
			}
			for range perDestination - 1 {
				require.True(t, s.Try(destination))
			}
		}
		fill("fast", 99*time.Millisecond)
		require.False(t, s.Crowds("fast"))
		fill("busy", 200*time.Millisecond)
		require.True(t, s.Crowds("busy"))
		s.Release("busy")
		require.False(t, s.Crowds("busy"), "it has a place")
		require.False(t, s.Crowds("unknown"))
	})
}
