package dispatch_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/dispatch"
	"datapusher/internal/ingest"
	"datapusher/workflows"
)

// joins is an engine that gets runs within the transaction.
type joins struct{ engine }

func (*joins) TxInsert(first int, condition string) string {
	return fmt.Sprintf("INSERT $%d WHERE %s", first, condition)
}

func (*joins) TxArguments(run workflows.Run, after time.Duration) []any {
	return []any{run.ID, run.Summary, after}
}

func none() []any { return []any{"", "", time.Duration(0)} }

// joining is a dispatcher to such an engine; where first attempts begin at once,
// nobody waits for it.
func joining(t *testing.T, begin bool, test func(t *testing.T, d desk, e *joins)) {
	e := &joins{}
	run(t, func(o *dispatch.Options) {
		o.Engine = e
		if begin {
			o.HeadStart = headStart(func(string, []ingest.Delivery) {})
		}
	}, func(t *testing.T, d desk) { test(t, d, e) })
}

func TestAnEngineThatCannotJoinIsNotAsked(t *testing.T) {
	run(t, nil, func(t *testing.T, d desk) { require.Nil(t, d.TxInsert()) })
}

func TestARunComesWithItsFirstCommit(t *testing.T) {
	joining(t, true, func(t *testing.T, d desk, e *joins) {
		require.Equal(t, "INSERT $7 WHERE true", d.TxInsert()(7, "true"))

		alone := d.Open([]string{"evt_1"})
		require.Equal(t, []any{"event/evt_1", "1 event(s)", 500 * time.Millisecond}, alone.Arguments())
		alone.Close(deliveries("evt_1"))

		time.Sleep(40 * time.Millisecond)
		first := d.Open([]string{"evt_2", "evt_3"})
		require.Equal(t, []any{first.Run(), "2 event(s) and what came right after", 560 * time.Millisecond}, first.Arguments(),
			"it begins after the run has left")
		first.Close(nil) // the commit has failed
		second := d.Open([]string{"evt_4"})
		require.Equal(t, first.Run(), second.Run())
		require.Equal(t, second.Run(), second.Arguments()[0], "so the next one brings it")
		second.Close(deliveries("evt_4"))
		third := d.Open([]string{"evt_5"})
		require.Equal(t, none(), third.Arguments(), "once")
		third.Close(deliveries("evt_5"))

		time.Sleep(2 * pace)
		synctest.Wait()
		require.Empty(t, e.ids(), "nobody waits for the engine")
	})
}

func TestACommitThatDoesNotHandOverIsDispatched(t *testing.T) {
	joining(t, true, func(t *testing.T, d desk, e *joins) {
		d.commit("evt_1") // SQLite asks for no arguments
		synctest.Wait()
		require.Equal(t, []string{"event/evt_1"}, e.ids())
	})
}

func TestWhereSomebodyWaitsTheEngineIsToldThatARunIsComplete(t *testing.T) {
	joining(t, false, func(t *testing.T, d desk, e *joins) {
		alone := d.Open([]string{"evt_1"})
		require.Equal(t, []any{"event/evt_1", "1 event(s)", time.Duration(0)}, alone.Arguments(), "at once")
		alone.Close(deliveries("evt_1"))
		synctest.Wait()
		require.Empty(t, e.ids())

		open := d.Open([]string{"evt_2"})
		require.Equal(t, 600*time.Millisecond, open.Arguments()[2])
		open.Close(deliveries("evt_2"))
		time.Sleep(pace)
		synctest.Wait()
		require.Equal(t, []string{open.Run()}, e.ids(), "it need not wait longer")
	})
}

func TestWhereAnotherProcessHearsNobodyWaits(t *testing.T) {
	e := &joins{}
	run(t, func(o *dispatch.Options) { o.Engine, o.Crier = e, &crier{heeded: true} }, func(t *testing.T, d desk) {
		alone := d.Open([]string{"evt_1"})
		require.Equal(t, []any{"event/evt_1", "1 event(s)", 500 * time.Millisecond}, alone.Arguments())
		alone.Close(deliveries("evt_1"))
		open := d.Open([]string{"evt_2"})
		require.Equal(t, 600*time.Millisecond, open.Arguments()[2])
		open.Close(deliveries("evt_2"))
		time.Sleep(2 * pace)
		synctest.Wait()
		require.Empty(t, e.ids())
	})
}

func TestWhatIsDeferredIsWaitedFor(t *testing.T) {
	joining(t, true, func(t *testing.T, d desk, e *joins) {
		bulk := d.Open([]string{"evt_1", "evt_2"})
		bulk.Arguments()
		later := deliveries("evt_1", "evt_2")
		for i := range later {
			later[i].Deferred = true
		}
		bulk.Close(later)
		synctest.Wait()
		require.Equal(t, []string{bulk.Run()}, e.ids())
	})
}
