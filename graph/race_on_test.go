//go:build race

package graph_test

// slower is how much more time everything takes under the race detector.
const slower = 8
