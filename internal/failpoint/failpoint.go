// Package failpoint names the moments at which a fault hurts most. A program that
// is built with the tag failpoints can be told to fail there: it is killed, it
// panics, or it waits. Without the tag, as every release is built, all of this is
// empty functions, which the compiler leaves out.
//
// The environment variable DATAPUSHER_FAILPOINTS tells what happens, entries
// separated by commas:
//
//	<point>=<action>[@<n>|%<percent>]   at the n-th time that the process gets
//	                                    there, at so many percent of the times, or
//	                                    at each time
//	clock=<shift>@<after>               so long after the start the wall clock jumps
//	                                    by whole seconds: clock=-120s@5s
//	dns=<host:port>                     the name server that senders ask, over TCP
//
// The actions are kill (SIGKILL, nothing else runs any more), panic, and
// wait:<duration>: committed=kill@3,sending=panic%10,answered=wait:2s@1.
package failpoint

// Point is a moment in the way of an event.
type Point string

// The points.
const (
	// Committed: a batch of events is on disk. Nobody has been told, no attempt has
	// begun, no run is dispatched.
	Committed Point = "committed"
	// Dispatched: its run is handed over, its senders have no answer yet.
	Dispatched Point = "dispatched"
	// Sending: an attempt is about to be made.
	Sending Point = "sending"
	// Answered: the receiver's answer was read and is not recorded.
	Answered Point = "answered"
	// Recorded: it is recorded, and the engine has not heard of it.
	Recorded Point = "recorded"
	// Claimed: a lane's turn has taken deliveries out of the park and sent none.
	Claimed Point = "claimed"
	// Reconciling: the reconciler has found an overdue run and not handed it over.
	Reconciling Point = "reconciling"
	// Moved: deliveries have a new run that no engine knows.
	Moved Point = "moved"
	// Replaying: a turn of a bulk replay is written and not committed.
	Replaying Point = "replaying"
	// Replayed: it is committed, and its run is not dispatched.
	Replayed Point = "replayed"
)

// All are the points.
func All() []Point {
	return []Point{Committed, Dispatched, Sending, Answered, Recorded, Claimed, Reconciling, Moved, Replaying, Replayed}
}
