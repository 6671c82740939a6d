//go:build !mutants

package ingest

func mutated(s store) store { return s }
