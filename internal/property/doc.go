// Package property holds a test alone: it plays random sequences of what users,
// receivers and accidents do on the whole of the core (ingest, commands, attempts,
// lanes) and checks that every delivery ends where a model says.
package property
