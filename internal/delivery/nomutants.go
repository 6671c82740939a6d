//go:build !mutants

package delivery

func mutatedStore(s store) store { return s }

func mutatedSender(s Sender) Sender { return s }
